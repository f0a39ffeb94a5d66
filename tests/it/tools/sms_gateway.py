"""An SMS gateway over HTTP that says what it is asked on standard output, one JSON object a line. The first has its port.

The path says how it answers: /answer/STATUS/BODY with the body in URL-safe base64, /redirect, /hang, /close.
"""

import base64
import json
import ssl
import sys
import threading
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Gateway(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        length = int(self.headers.get("content-length", 0))
        body = self.rfile.read(length).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        say(method=self.command, path=self.path, headers=headers, body=body)
        _, how, *rest = self.path.split("?")[0].split("/")
        if how == "hang":
            time.sleep(3600)
        if how == "close":
            self.close_connection = True
            return
        if how == "redirect":
            self.answer(307, b"", {"location": "/answer/200/"})
            return
        self.answer(int(rest[0]), base64.urlsafe_b64decode(rest[1]), {})

    do_GET = do_PUT = do_POST

    def answer(self, status, body, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


SAYS_ONE_LINE = threading.Lock()


def say(**what):
    with SAYS_ONE_LINE:
        print(json.dumps(what), flush=True)


server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
server.daemon_threads = True
if len(sys.argv) > 1:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    server.socket = context.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
say(port=server.server_address[1])
sys.stdin.read()
