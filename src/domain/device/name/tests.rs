use super::*;
use crate::fixtures::properties;
use proptest::prelude::*;

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
const EDGE: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 \
                    Safari/537.36 Edg/126.0.0.0";
const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                      Version/17.5 Mobile/15E148 Safari/604.1";
const MAC: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) \
                   Chrome/126.0.0.0 Safari/537.36";
const ANDROID: &str = "AcmeApp/3.1 (Android 14; Pixel 8)";

fn made_up(agent: &str, app: Option<ClientApp>) -> String {
    DeviceName::made_up(None, Some(agent), app)
        .as_str()
        .to_owned()
}

#[test]
fn a_device_is_called_what_the_caller_calls_it() {
    let name = DeviceName::made_up(Some("Jane's laptop"), Some(FIREFOX), None);
    assert_eq!(name.as_str(), "Jane's laptop");
}

#[test]
fn a_device_that_nobody_named_is_called_by_what_its_description_means() {
    assert_eq!(made_up(FIREFOX, None), "Firefox on Linux");
    assert_eq!(made_up(EDGE, None), "Edge on Windows");
    assert_eq!(made_up(IPHONE, None), "Safari on iPhone");
    assert_eq!(made_up(MAC, Some(ClientApp::Browser)), "Chrome on macOS");
    assert_eq!(
        made_up(ANDROID, Some(ClientApp::Mobile)),
        "Mobile app on Android"
    );
}

#[test]
fn a_device_of_which_nothing_is_known_has_a_name_all_the_same() {
    assert_eq!(made_up("", None), "Device");
    assert_eq!(made_up("curl/8.5", Some(ClientApp::Browser)), "Browser");
    assert_eq!(made_up("", Some(ClientApp::Mobile)), "Mobile app");
    assert_eq!(made_up("PlayStation (Linux)", None), "Linux");
}

#[test]
fn a_name_is_one_line_without_a_link() {
    assert!(DeviceName::parse("Büro, 2. Stock").is_ok());
    assert_eq!(DeviceName::parse(""), Err(MalformedValue::Empty));
    assert_eq!(
        DeviceName::parse("see evil.example"),
        Err(MalformedValue::Link)
    );
    assert_eq!(DeviceName::parse("a\nb"), Err(MalformedValue::NotPlainText));
    assert_eq!(
        DeviceName::parse(&"x".repeat(65)),
        Err(MalformedValue::TooLong(64))
    );
}

proptest! {
    #![proptest_config(properties(256))]

    #[test]
    fn what_is_made_up_is_a_name(called: Option<String>, agent: Option<String>) {
        let name = DeviceName::made_up(called.as_deref(), agent.as_deref(), None);
        prop_assert!(DeviceName::parse(name.as_str()).is_ok());
    }
}
