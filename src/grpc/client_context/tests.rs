use super::*;

fn user_agent(sent: &str) -> Option<String> {
    read(pb::ClientContext {
        user_agent: sent.to_owned(),
        ..pb::ClientContext::default()
    })
    .user_agent
}

#[test]
fn a_context_without_values_says_nothing() {
    let context = read(pb::ClientContext::default());
    assert_eq!(
        format!("{context:?}"),
        format!("{:?}", ClientContext::default())
    );
}

#[test]
fn a_context_whose_values_cannot_be_read_says_nothing() {
    let context = read(pb::ClientContext {
        device_token: "not a token".to_owned(),
        client_address: "unknown".to_owned(),
        user_agent: String::new(),
        app: 77,
        locale: "no locale".to_owned(),
        place: "https://evil.example".to_owned(),
        device_name: "Firefox\u{202E}xoferiF".to_owned(),
        stores_no_device_token: false,
    });
    assert_eq!(
        format!("{context:?}"),
        format!("{:?}", ClientContext::default())
    );
}

#[test]
fn a_long_user_agent_is_cut_between_characters() {
    let longest = "x".repeat(512);
    assert_eq!(user_agent(&longest), Some(longest.clone()));
    assert_eq!(user_agent(&format!("{longest}x")), Some(longest));
    let odd = format!("x{}", "ä".repeat(256));
    assert_eq!(user_agent(&odd), Some(format!("x{}", "ä".repeat(255))));
}

#[test]
fn an_address_is_read_as_proxies_write_it() {
    for (sent, read) in [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1\n", "192.0.2.1"),
        ("192.0.2.1:443", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("fe80::1%25", "fe80::1"),
        ("[fe80::1%eth0]", "fe80::1"),
        ("[fe80::1%en-1]:443", "fe80::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("[::ffff:192.0.2.1]:443", "192.0.2.1"),
    ] {
        let expected: IpAddr = read.parse().unwrap();
        assert_eq!(address(sent), Some(expected), "{sent:?}");
    }
}

#[test]
fn what_is_not_one_address_is_unknown() {
    for sent in [
        "",
        "unknown",
        "_hidden",
        "localhost",
        "192.0.2.1, 198.51.100.7",
        "192.0.2.1,198.51.100.7",
        "192.0.2.1 198.51.100.7",
        "2001:db8::1, 192.0.2.1",
        "192.0.2.1:port",
        "192.0.2.1:65536",
        "192.0.2.1%eth0",
        "[192.0.2.1]x",
        "[2001:db8::1",
        "[2001:db8::1]443",
        "[fe80::1%]",
        "fe80::1%eth0, 192.0.2.1",
        "010.0.0.1",
        "1.2.3",
    ] {
        assert_eq!(address(sent), None, "{sent:?}");
    }
}

#[test]
fn a_client_app_of_a_newer_contract_is_unknown() {
    let app = |app: i32| {
        let context = pb::ClientContext {
            app,
            ..pb::ClientContext::default()
        };
        read(context).app
    };
    assert_eq!(app(1), Some(ClientApp::Browser));
    assert_eq!(app(2), Some(ClientApp::Mobile));
    for unknown in [0, 3, -1, i32::MAX] {
        assert_eq!(app(unknown), None);
    }
}
