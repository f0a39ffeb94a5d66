//! Pictures as SVG, with a white ground so that they can be read on dark pages, too.

use std::fmt::Write;

const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 380.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 220.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 64.0;
/// Colors that can be told apart without seeing red or green.
const COLORS: [&str; 6] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9",
];

/// One line, or one layer of all bars: a value at each place, NaN where there is none.
pub(super) struct Series {
    pub(super) name: String,
    pub(super) values: Vec<f64>,
}

/// What is drawn.
pub(super) struct Plot<'a> {
    pub(super) title: &'a str,
    pub(super) x_label: &'a str,
    /// With its unit.
    pub(super) y_label: &'a str,
    /// The names of the places, from left to right.
    pub(super) places: Vec<String>,
    pub(super) series: Vec<Series>,
}

/// A picture that grows from the axes on.
struct Canvas {
    svg: String,
    places: usize,
    highest: f64,
}

impl Plot<'_> {
    /// One line for each series.
    pub(super) fn lines(&self) -> String {
        let values = self.series.iter().flat_map(|series| &series.values);
        let mut canvas = self.canvas(values.copied().fold(0.0, f64::max));
        for (series, color) in self.series.iter().zip(COLORS.iter().cycle()) {
            canvas.line(series, color);
        }
        canvas.finish(&self.series)
    }

    /// One bar at each place, whose layers are the series.
    pub(super) fn bars(&self) -> String {
        let sum = |place: usize| -> f64 {
            let values = self
                .series
                .iter()
                .filter_map(|series| series.values.get(place));
            values.filter(|value| value.is_finite()).sum()
        };
        let highest = (0..self.places.len()).map(sum).fold(0.0, f64::max);
        let mut canvas = self.canvas(highest);
        let mut below = vec![0.0; self.places.len()];
        for (series, color) in self.series.iter().zip(COLORS.iter().cycle()) {
            canvas.layer(series, color, &mut below);
        }
        canvas.finish(&self.series)
    }

    fn canvas(&self, highest: f64) -> Canvas {
        let mut canvas = Canvas {
            svg: format!(
                r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12" fill="#222222">
<title>{}</title>
<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>
"##,
                escaped(self.title)
            ),
            places: self.places.len(),
            highest: round_up(highest),
        };
        canvas.axes(self);
        canvas
    }
}

impl Canvas {
    fn axes(&mut self, plot: &Plot<'_>) {
        const STEPS: u8 = 5;
        let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
        self.text(LEFT, 24.0, "start", plot.title, 15);
        for step in 0..=STEPS {
            let value = self.highest * f64::from(step) / f64::from(STEPS);
            let y = self.y(value);
            self.add(&format!(
                r##"<line x1="{LEFT}" y1="{y:.1}" x2="{right}" y2="{y:.1}" stroke="#dddddd"/>"##
            ));
            self.text(LEFT - 8.0, y + 4.0, "end", &number(value), 12);
        }
        self.add(&format!(
            r##"<path d="M{LEFT} {TOP}V{bottom}H{right}" fill="none" stroke="#222222"/>"##
        ));
        for (place, name) in plot.places.iter().enumerate() {
            self.text(self.x(place), bottom + 18.0, "middle", name, 11);
        }
        self.text(
            f64::midpoint(LEFT, right),
            HEIGHT - 16.0,
            "middle",
            plot.x_label,
            12,
        );
        let middle = f64::midpoint(TOP, bottom);
        self.add(&format!(
            r#"<text transform="translate(18 {middle:.1}) rotate(-90)" text-anchor="middle">{}</text>"#,
            escaped(plot.y_label)
        ));
    }

    fn line(&mut self, series: &Series, color: &str) {
        let values = series.values.iter().enumerate();
        let points: Vec<(f64, f64)> = values
            .filter(|(_, value)| value.is_finite())
            .map(|(place, value)| (self.x(place), self.y(*value)))
            .collect();
        let mut path = String::new();
        for (x, y) in &points {
            let _never_fails = write!(path, "{x:.1},{y:.1} ");
        }
        self.add(&format!(
            r#"<polyline points="{}" fill="none" stroke="{color}" stroke-width="2"/>"#,
            path.trim_end()
        ));
        for (x, y) in points {
            self.add(&format!(
                r#"<circle cx="{x:.1}" cy="{y:.1}" r="3.5" fill="{color}"/>"#
            ));
        }
    }

    fn layer(&mut self, series: &Series, color: &str, below: &mut [f64]) {
        let width = self.step() * 0.6;
        for (place, (value, below)) in series.values.iter().zip(below).enumerate() {
            if !value.is_finite() {
                continue;
            }
            let (x, y) = (self.x(place) - width / 2.0, self.y(*below + value));
            let height = self.y(*below) - y;
            self.add(&format!(
                r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" fill="{color}"/>"#
            ));
            *below += value;
        }
    }

    /// The picture with what each color means.
    fn finish(mut self, series: &[Series]) -> String {
        let mut y = TOP + 8.0;
        let x = WIDTH - RIGHT + 16.0;
        for (series, color) in series.iter().zip(COLORS.iter().cycle()) {
            self.add(&format!(
                r#"<rect x="{x}" y="{:.1}" width="12" height="12" fill="{color}"/>"#,
                y - 10.0
            ));
            self.text(x + 18.0, y, "start", &series.name, 12);
            y += 20.0;
        }
        self.svg + "</svg>\n"
    }

    fn step(&self) -> f64 {
        let places = u32::try_from(self.places.max(1)).unwrap_or(u32::MAX);
        (WIDTH - LEFT - RIGHT) / f64::from(places)
    }

    /// The middle of a place.
    fn x(&self, place: usize) -> f64 {
        let place = u32::try_from(place).unwrap_or(u32::MAX);
        LEFT + self.step() * (f64::from(place) + 0.5)
    }

    fn y(&self, value: f64) -> f64 {
        let bottom = HEIGHT - BOTTOM;
        bottom - (bottom - TOP) * value / self.highest
    }

    fn text(&mut self, x: f64, y: f64, anchor: &str, text: &str, size: u8) {
        let text = escaped(text);
        self.add(&format!(
            r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" font-size="{size}">{text}</text>"#
        ));
    }

    fn add(&mut self, element: &str) {
        self.svg.push_str(element);
        self.svg.push('\n');
    }
}

/// The end of an axis: a round number, at least as much.
fn round_up(highest: f64) -> f64 {
    let tens = 10.0_f64.powf(highest.max(1e-9).log10().floor());
    let ends = [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0].map(|times| times * tens);
    ends.into_iter()
        .find(|end| *end >= highest)
        .unwrap_or(highest)
}

fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
