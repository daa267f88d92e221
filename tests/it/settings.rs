//! Settings: layers, origins, and refusals that name the place, the key and the reason.

use std::io::Write;

use straits::settings::{Layers, Origin, Settings};

fn variable(name: &str, value: &str) -> Vec<(String, String)> {
    vec![(name.to_owned(), value.to_owned())]
}

#[test]
fn the_embedded_file_is_the_default_and_makes_settings() {
    let layers = Layers::defaults();
    assert!(layers.rows().count() > 40);
    let settings = Settings::from_layers(&layers).unwrap();
    assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
    assert!(settings.master_key.is_none());
}

#[test]
fn proxies_are_trusted_and_edges_believed_as_the_mode_says() {
    let read = |variables: &[(&str, &str)]| {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::from_layers(&Layers::defaults().environment(variables).unwrap()).unwrap()
    };
    let key = "ab".repeat(32);
    let live = [("STRAITS__SERVER__MODE", "live"), ("STRAITS_MASTER_KEY", key.as_str())];
    let (sandbox, live) = (read(&[]), read(&live));
    assert_eq!((sandbox.trusted_proxies.len(), live.trusted_proxies.len()), (2, 0));
    assert_eq!(sandbox.geo.country_header.as_deref(), Some("cf-ipcountry"));
    assert_eq!(live.geo.country_header, None);
    let named =
        [("STRAITS__GEO__COUNTRY_HEADER", "CF-IPCountry"), ("STRAITS__SERVER__CLIENT_HEADER", "Forwarded")];
    let named = read(&named);
    assert_eq!(named.geo.country_header.as_deref(), Some("cf-ipcountry"));
    assert_eq!(named.client_header.name, "forwarded");
}

#[test]
fn routes_and_holidays_of_ones_own_take_the_place_of_those_that_ship() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let read = |key: &str, path: &str| {
        Settings::from_layers(&Layers::defaults().environment(variable(key, path)).unwrap())
    };
    let shipped = include_str!("../../config/routes.toml");
    let own = file("own.toml", &shipped.replacen("version = \"", "version = \"ours of ", 1));
    let tables = read("STRAITS__PAYOUTS__ROUTES", &own).unwrap().payout_tables;
    assert!(tables.routes.version.starts_with("ours of "), "{}", tables.routes.version);
    let wrong = file("wrong.toml", &shipped.replacen("cap = \"20.00\"", "cap = \"20.001\"", 1));
    let refused = read("STRAITS__PAYOUTS__ROUTES", &wrong).unwrap_err().to_string();
    assert!(refused.contains("wrong.toml: route `paypal-usd`, key `cap`"), "{refused}");
    let holidays = file("days.toml", "version = \"none\"");
    let tables = read("STRAITS__PAYOUTS__HOLIDAYS", &holidays).unwrap().payout_tables;
    assert_eq!(tables.holidays.version(), "none");
    let refused = read("STRAITS__PAYOUTS__HOLIDAYS", "/nowhere.toml").unwrap_err().to_string();
    assert!(refused.contains("setting payouts.holidays"), "{refused}");
}

#[test]
fn nobody_appoints_a_shop_to_withhold_before_it_says_so_and_an_unknown_authority_is_refused() {
    let read = |by: &'static str| {
        let layers = Layers::defaults().flag("test", "payouts.withholding.appointed_by", by).unwrap();
        Settings::from_layers(&layers)
    };
    assert!(Settings::from_layers(&Layers::defaults()).unwrap().withholding.is_empty());
    assert!(!read("BIR").unwrap().withholding.is_empty());
    let error = read("IRS").unwrap_err().to_string();
    assert!(
        error.contains("payouts.withholding.appointed_by") && error.contains("rules of BIR, DJP, VN-TAX"),
        "{error}"
    );
}

#[test]
fn secrets_do_not_show_when_layers_are_printed() {
    let layers =
        Layers::defaults().environment(variable("DATABASE_URL", "postgres://u:hunter2@db/x")).unwrap();
    let printed = format!("{layers:?}");
    assert!(printed.contains("database.url") && !printed.contains("hunter2"), "{printed}");
}

#[test]
fn later_layers_win_and_are_remembered() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "[server]\nlisten = \"127.0.0.1:1\"\nworkers = 3").unwrap();
    let layers = Layers::defaults().file(file.path(), "--config").unwrap();
    let layers = layers.environment(variable("STRAITS__SERVER__LISTEN", "127.0.0.1:2")).unwrap();
    assert_eq!(layers.origin("server.listen"), Origin::Environment("STRAITS__SERVER__LISTEN".to_owned()));
    assert_eq!(layers.origin("server.workers"), Origin::File(file.path().to_owned()));
    let layers = layers.flag("--listen", "server.listen", "127.0.0.1:3").unwrap();
    let settings = Settings::from_layers(&layers).unwrap();
    assert_eq!((settings.listen.port(), settings.workers), (3, 3));
}

#[test]
fn a_wrong_key_or_value_is_named_with_its_place_and_what_belongs_there() {
    let rows = [
        (
            "STRAITS__SERVER__LISTENS",
            "x",
            "environment STRAITS__SERVER__LISTENS: unknown key `server.listens`, did you mean `server.listen`?",
        ),
        ("STRAITS__SERVER__WORKERS", "many", "`server.workers` is not a whole number"),
        ("STRAITS__SERVER__MODE", "prod", "`server.mode` = `prod` is none of \"sandbox\", \"live\""),
        ("STRAITS_LISTEN", "8080", "`server.listen` = `8080` is no address with a port"),
        ("DATABASE_URL", "mysql://x", "`database.url` begins neither with sqlite://"),
        ("STRAITS__LIMITS__BODY_KIB", "0", "is not between 1 and"),
        ("STRAITS__FX__SOURCES", "oracle", "`oracle` is no rate source"),
        (
            "STRAITS__SERVER__CLIENT_HEADER",
            "x-client",
            "`server.client_header` = `x-client` is none of x-forwarded-for,",
        ),
        (
            "STRAITS__SERVER__TRUSTED_PROXIES",
            "10.0.0.0/8,10.0.0.0/40",
            "environment STRAITS__SERVER__TRUSTED_PROXIES: `server.trusted_proxies` holds `10.0.0.0/40` is no block",
        ),
        (
            "STRAITS__GEO__COUNTRY_HEADER",
            "cf ipcountry",
            "`geo.country_header` = `cf ipcountry` is no header's name",
        ),
        ("STRAITS__GEO__LOOK_SECONDS", "0", "`geo.look_seconds` = 0 is not between 1 and"),
        ("STRAITS__GEO__LEAST_COUNTRIES", "0", "`geo.least_countries` = 0 is not between 1 and 250"),
        ("STRAITS__GEO__MAX_MIB", "0", "`geo.max_mib` = 0 is not between 1 and"),
        ("STRAITS__GEO__OLDER_FILE", "maybe", "`geo.older_file` = `maybe` is none of"),
        ("STRAITS__GEO__ANONYMOUS", "yes", "`geo.anonymous` = `yes` is none of"),
        ("STRAITS__GEO__DATABASES", "x", "unknown key `geo.databases`, did you mean `geo.database`?"),
    ];
    for (name, value, words) in rows {
        let layers = Layers::defaults().environment(variable(name, value));
        let error = layers.and_then(|layers| Settings::from_layers(&layers).map(|_| ())).unwrap_err();
        assert!(error.to_string().contains(words), "{name}={value}: {error}");
    }
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "[limits]\nbody_kb = 5").unwrap();
    let error = Layers::defaults().file(file.path(), "--config").unwrap_err().to_string();
    assert!(error.contains("limits.body_kb") && error.contains("limits.body_kib"), "{error}");
    assert!(error.starts_with(&file.path().display().to_string()), "{error}");
}

#[test]
fn a_file_that_is_not_there_is_told_with_what_named_it() {
    let folder = tempfile::tempdir().unwrap();
    for (variables, arguments, by) in [
        (&[][..], &["--config", "c9.toml"][..], "--config named"),
        (&[("STRAITS_CONFIG", "c9.toml")], &[], "STRAITS_CONFIG named"),
        (&[("STRAITS_CONFIG", "c8.toml")], &["--config", "c9.toml"], "--config named"),
    ] {
        let output =
            crate::program::run(folder.path(), variables, &[arguments, &["config", "check"]].concat());
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.starts_with("straits: c9.toml: ") && told.contains(by), "{told}");
    }
}

#[test]
fn live_mode_demands_a_master_key_and_takes_it_from_a_file() {
    let live = || Layers::defaults().flag("--live", "server.mode", "live").unwrap();
    assert!(Settings::from_layers(&live()).unwrap_err().to_string().contains("STRAITS_MASTER_KEY"));
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "{}", "ab".repeat(32)).unwrap();
    let path = file.path().display().to_string();
    let layers = live().environment(variable("STRAITS_MASTER_KEY_FILE", &path)).unwrap();
    assert!(Settings::from_layers(&layers).unwrap().master_key.is_some());
}

#[test]
fn secrets_are_masked_wherever_settings_are_shown() {
    let layers = Layers::defaults()
        .environment([
            ("STRAITS_MASTER_KEY".to_owned(), "canary-1".to_owned()),
            ("DATABASE_URL".to_owned(), "postgres://u:canary-2@h/d".to_owned()),
            ("STRAITS__GATEWAYS__PAYPAL__CLIENT_SECRET".to_owned(), "canary-3,canary-4".to_owned()),
            ("STRAITS__FX__KEYS__EXCHANGERATE_API".to_owned(), "canary-5".to_owned()),
        ])
        .unwrap();
    let shown: String = layers.rows().map(|(key, value, _)| format!("{key}={value}\n")).collect();
    assert!(!shown.contains("canary"), "{shown}");
    let settings = Settings::from_layers(&layers).unwrap();
    assert!(!format!("{settings:?}").contains("canary"));
    assert_eq!(settings.gateways["paypal"].secrets["client_secret"].len(), 2);
    let name = straits::domain::fx::SourceName::find("exchangerate-api").unwrap();
    assert_eq!(settings.fx.keys[&name].expose(), "canary-5");
}

#[actix_web::test]
async fn the_terms_of_a_gateway_account_are_settings_and_nonsense_is_refused() {
    for (key, word) in [
        ("gateways.paypal.funds_flow", "nobody_collects"),
        ("gateways.paypal.recharge", "sometimes"),
        ("gateways.grabpay.unreturned_fee", "suppliers"),
        ("gateways.grabpay.available_when", "soon"),
        ("gateways.paypal.fx_point", "Capture"),
        ("gateways.grabpay.fx_point", "released"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let settings = crate::app::settings(folder.path(), &[(key, word)]).unwrap();
        let error = straits::app::App::build(settings, straits::app::Sources::system()).await.unwrap_err();
        let (told, name) = (error.to_string(), key.rsplit('.').next().unwrap());
        assert!(told.contains(name) && told.contains("must be one of"), "{key}: {told}");
    }
    let direct = [("gateways.paypal.funds_flow", "direct_to_supplier")];
    let app = crate::app::TestApp::with(&direct).await;
    let body = serde_json::json!({
        "order_ref": "order-1", "amount": {"amount": "100.00", "currency": "SGD"}, "gateway": "paypal",
    });
    let refused = app.post_once("storefront", "/v1/payments", "order-1", &body).await;
    assert!(refused.status == 422 && refused.text.contains("(funds_flow)"), "{}", refused.text);
    app.pay("grabpay", "order-2").await;
    app.stop().await;
}

#[actix_web::test]
async fn an_operators_fee_schedules_take_the_place_of_the_shipped_ones() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("contract.toml");
    let own = "name = \"grabpay-sg\"\n[[rule]]\nname = \"our MDR\"\nkind = \"gateway\"\npercent = \"1.1\"\n\
               when = { gateway = \"grabpay\", currency = \"SGD\" }\nsource = \"contract of 2026\"\ntrust = \"contract\"\n";
    std::fs::write(&file, own).unwrap();
    let path = folder.path().display().to_string();
    let app = crate::app::TestApp::with(&[("fees.folder", &path)]).await;
    let body = serde_json::json!({"amount": {"amount": "100.00", "currency": "SGD"}, "gateway": "grabpay", "splits": []});
    let answer = app.post("finance", "/v1/settlements/preview", &body).await.json();
    let fees: Vec<_> =
        answer["lines"].as_array().unwrap().iter().filter(|line| line["kind"] == "gateway_fee").collect();
    assert_eq!(fees.len(), 1, "{answer}");
    assert_eq!((&fees[0]["rule"], &fees[0]["amount"]["amount"]), (&"our MDR".into(), &"1.10".into()));
    app.stop().await;

    std::fs::write(folder.path().join("copy.toml"), own).unwrap();
    let twice = crate::app::settings(folder.path(), &[("fees.folder", &path)]).unwrap_err().to_string();
    assert!(twice.contains("copy.toml") && twice.contains("grabpay-sg"), "{twice}");
    std::fs::write(&file, own.replace("percent", "percnt")).unwrap();
    let refused = crate::app::settings(folder.path(), &[("fees.folder", &path)]).unwrap_err().to_string();
    assert!(refused.contains("contract.toml") && refused.contains("percnt"), "{refused}");
}
