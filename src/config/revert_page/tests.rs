use super::RevertPage;
use countersign_domain::value::id::UserId;

const TOKEN: &str = "AAAAAAAAAAAAAAAAAAAAAA";

fn link(template: &str, user: &str) -> String {
    let user = UserId::parse(user).unwrap();
    RevertPage::parse(template).unwrap().link(&user, TOKEN)
}

#[test]
fn a_link_has_the_token_and_the_user_where_the_template_wants_them() {
    let bare = link("https://acme.example/not-me?token={token}", "jane");
    assert_eq!(bare, format!("https://acme.example/not-me?token={TOKEN}"));
    let named = link("https://acme.example/not-me#{user}/{token}", "jane");
    assert_eq!(named, format!("https://acme.example/not-me#jane/{TOKEN}"));
}

#[test]
fn a_user_id_stays_one_value_of_a_link() {
    let named = link(
        "https://acme.example/?u={user}&t={token}",
        "j+x@acme:7~._-A",
    );
    assert_eq!(
        named,
        format!("https://acme.example/?u=j%2Bx%40acme%3A7~._-A&t={TOKEN}")
    );
    for (user, encoded) in [
        ("auth0|507f", "auth0%7C507f"),
        ("o'brien@example.com", "o%27brien%40example.com"),
        ("a&t=b#c?d/e%20", "a%26t%3Db%23c%3Fd%2Fe%2520"),
        ("{token}", "%7Btoken%7D"),
        ("é \"<", "%C3%A9%20%22%3C"),
    ] {
        let named = link("https://acme.example/?u={user}&t={token}", user);
        assert_eq!(
            named,
            format!("https://acme.example/?u={encoded}&t={TOKEN}")
        );
    }
}

#[test]
fn a_page_has_to_be_one_that_links_may_lead_to() {
    for bad in [
        "",
        "{token}",
        "http://acme.example/{token}",
        "https://acme.example/",
        "https://acme.example/{token}/{token}",
        "https://acme.example/{token}?{user}{user}",
        "https://acme.example/{token}?{name}",
        "https://acme.example/{token}}",
        "https://{token}.acme.example/",
        "https://{user}.acme.example/{token}",
        "https://acme.example:{user}/{token}",
        "https://{user}@acme.example/{token}",
        "https://192.0.2.1/{token}",
        "https://acme.example/{token} now",
        "https://acme.example/ü/{token}",
        "javascript:alert('{token}')",
    ] {
        assert_eq!(RevertPage::parse(bad), None, "{bad}");
    }
    let long = format!("https://acme.example/{}?{{token}}", "x".repeat(600));
    assert_eq!(RevertPage::parse(&long), None);
}
