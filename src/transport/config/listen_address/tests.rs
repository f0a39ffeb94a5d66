use super::*;

fn parse(text: &str) -> Option<ListenAddress> {
    text.parse().ok()
}

#[test]
fn every_form_that_operators_write_is_an_address() {
    let host = |name: &str| ListenAddress::Host {
        name: name.to_owned(),
        port: 50051,
    };
    let socket = |text: &str| ListenAddress::Socket(text.parse().unwrap());
    let forms = [
        ("127.0.0.1:50051", socket("127.0.0.1:50051")),
        ("[::1]:50051", socket("[::1]:50051")),
        ("localhost:50051", host("localhost")),
        ("countersign.internal:50051", host("countersign.internal")),
        (":50051", ListenAddress::AllInterfaces(50051)),
        ("*:50051", ListenAddress::AllInterfaces(50051)),
        ("50051", ListenAddress::AllInterfaces(50051)),
        (" :50051\n", ListenAddress::AllInterfaces(50051)),
        (
            "unix:/run/cs.sock",
            ListenAddress::Unix("/run/cs.sock".into()),
        ),
        (
            "unix:///run/cs.sock",
            ListenAddress::Unix("/run/cs.sock".into()),
        ),
    ];
    for (text, address) in forms {
        assert_eq!(parse(text), Some(address), "{text}");
    }
}

#[test]
fn other_texts_are_refused() {
    let texts = [
        "",
        ":",
        "localhost",
        "localhost:",
        ":65536",
        ":+1",
        "-1",
        "192.168.1:50051",
        "::1:50051",
        "http://127.0.0.1:50051",
        "a..b:1",
        "a b:1",
        "unix:",
        "unix:relative",
        "unix:/",
        "unix:/folder/",
    ];
    for text in texts {
        assert_eq!(parse(text), None, "{text}");
    }
}

#[test]
fn only_loopback_localhost_and_unix_sockets_are_local() {
    let is_local = |text: &str| parse(text).unwrap().is_local();
    for text in [
        "127.0.0.1:1",
        "127.9.9.9:1",
        "[::1]:1",
        "localhost:1",
        "LocalHost:1",
        "unix:/cs.sock",
    ] {
        assert!(is_local(text), "{text}");
    }
    for text in [
        ":1",
        "*:1",
        "1",
        "0.0.0.0:1",
        "[::]:1",
        "10.0.0.1:1",
        "localhost.example:1",
        "host:1",
    ] {
        assert!(!is_local(text), "{text}");
    }
}

#[test]
fn an_address_reads_back_as_it_is_shown() {
    for text in [
        "127.0.0.1:50051",
        "[::]:0",
        "localhost:50051",
        ":50051",
        "unix:/run/cs.sock",
    ] {
        assert_eq!(parse(text).unwrap().to_string(), text);
    }
}
