//! Envoy in front of `countersign dev`, as the guide configures it.

use super::GUIDE;
use crate::{
    support::{processes::Process, until},
    tools::readme::{Block, Shell, path, section_of},
};
use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Child, Command},
};

/// Envoy, until the test ends.
struct Envoy(Child);

impl Drop for Envoy {
    fn drop(&mut self) {
        let _ended_already = self.0.kill();
        let _ended_already = self.0.wait();
    }
}

#[test]
fn envoy_puts_json_in_front_and_errors_have_bodies() {
    let blocks = section_of(GUIDE, "JSON over HTTP");
    let is_start = |block: &Block| block.text.trim() == "envoy -c envoy.yaml";
    let start = blocks.iter().position(is_start);
    let start = start.expect("the guide starts Envoy");

    let dev = Process::start(&["dev", "--listen", "127.0.0.1:0"]);
    let mut shell = Shell::new();
    let (host, port) = dev.address.rsplit_once(':').unwrap();
    shell.replace(
        "{address: 127.0.0.1, port_value: 50051}",
        &format!("{{address: {host}, port_value: {port}}}"),
    );
    let front = free_port();
    shell.replace("port_value: 8080", &format!("port_value: {front}"));
    shell.replace("127.0.0.1:8080", &format!("127.0.0.1:{front}"));

    shell.run(&blocks[..start]);
    let log = fs::File::create(shell.path("envoy.log")).unwrap();
    let envoy = Command::new(
        Path::new("target/tools/python/bin/envoy")
            .canonicalize()
            .expect("run tests/install-tools.sh"),
    )
    .arg("-c")
    .arg(shell.path("envoy.yaml"))
    .args([
        "--disable-hot-restart",
        "--concurrency",
        "1",
        "--log-level",
        "warning",
    ])
    .current_dir(&shell.folder)
    .env("PATH", path())
    .stderr(log)
    .spawn();
    let _envoy = Envoy(envoy.expect("envoy; run tests/install-tools.sh"));
    let answers = async || std::net::TcpStream::connect(("127.0.0.1", front)).is_ok();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(until(answers, |connected| *connected));
    shell.run(&blocks[start + 1..]);
}

/// Free when it was asked for.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
