"""Prints what each QR code says: read_qr.py PICTURE..., PNG or SVG."""

import io
import pathlib
import sys

import resvg_py
import zxingcpp
from PIL import Image

for name in sys.argv[1:]:
    content = pathlib.Path(name).read_bytes()
    if name.endswith(".svg"):
        content = bytes(resvg_py.svg_to_bytes(svg_string=content.decode()))
    picture = Image.open(io.BytesIO(content)).convert("L")
    codes = zxingcpp.read_barcodes(picture)
    if len(codes) != 1:
        sys.exit(f"{name} has {len(codes)} codes")
    print(codes[0].text)
