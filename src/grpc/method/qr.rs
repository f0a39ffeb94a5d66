//! QR codes of `otpauth` URIs, as PNG and as SVG.

use png::{BitDepth, ColorType, Encoder};
use qrcode::{Color, EcLevel, QrCode, render::svg};

const PIXELS_PER_MODULE: usize = 6;

/// The width of the white border, in modules (ISO/IEC 18004 §6.3.8).
const QUIET_ZONE_MODULES: usize = 4;

/// A QR code as PNG and as SVG.
pub(super) struct RenderedQrCode {
    pub(super) png: Vec<u8>,
    pub(super) svg: String,
}

/// Renders the QR code of a text; `None` if the text is too long.
pub(super) fn of(text: &str) -> Option<RenderedQrCode> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    Some(RenderedQrCode {
        png: png(&code)?,
        svg: code
            .render::<svg::Color<'_>>()
            .min_dimensions(240, 240)
            .build(),
    })
}

fn png(code: &QrCode) -> Option<Vec<u8>> {
    let size = (code.width() + 2 * QUIET_ZONE_MODULES) * PIXELS_PER_MODULE;
    let mut pixels = Vec::with_capacity(size * size);
    for y in 0..size {
        pixels.extend((0..size).map(|x| {
            if is_dark(code, x / PIXELS_PER_MODULE, y / PIXELS_PER_MODULE) {
                0
            } else {
                u8::MAX
            }
        }));
    }
    let pixels_wide = u32::try_from(size).ok()?;
    let mut image = Vec::new();
    let mut encoder = Encoder::new(&mut image, pixels_wide, pixels_wide);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::Eight);
    encoder
        .write_header()
        .ok()?
        .write_image_data(&pixels)
        .ok()?;
    Some(image)
}

fn is_dark(code: &QrCode, x: usize, y: usize) -> bool {
    let inside =
        |place: usize| (QUIET_ZONE_MODULES..QUIET_ZONE_MODULES + code.width()).contains(&place);
    inside(x) && inside(y) && code[(x - QUIET_ZONE_MODULES, y - QUIET_ZONE_MODULES)] == Color::Dark
}
