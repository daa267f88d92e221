//! Who may use whom.

use super::Source;

/// The modules that a file lists, bottom-up.
pub fn listed(sources: &[Source], path: &str) -> Vec<String> {
    let file =
        sources.iter().find(|source| source.path == path).unwrap_or_else(|| panic!("{path} is missing"));
    let modules = file.code_lines().filter_map(|(_, line)| {
        let name = line
            .trim()
            .strip_prefix("pub ")
            .unwrap_or(line.trim())
            .strip_prefix("mod ")?
            .strip_suffix(';')?;
        Some(name.to_owned())
    });
    modules.collect()
}

/// Uses of a module by one listed before it. `parent` is empty for the crate's floors, `domain` for the nouns'.
pub fn upward_uses(sources: &[Source], floors: &[String], parent: &str) -> Vec<String> {
    let depth = usize::from(!parent.is_empty());
    let height = |name: &str| floors.iter().position(|floor| floor == name);
    let mut faults = Vec::new();
    for source in sources {
        let module = source.module();
        if depth == 1 && module.first() != Some(&parent) {
            continue;
        }
        let Some((user, own)) = module.get(depth).and_then(|user| Some((user, height(user)?))) else {
            continue;
        };
        for (line, path) in paths(source) {
            let inside = depth == 0 || path.first().is_some_and(|first| first == parent);
            let used = path.get(depth).filter(|_| inside);
            if let Some(used) = used
                && height(used).is_some_and(|used| used > own)
            {
                faults.push(format!("{user}:{line} uses {used}, which is above it ({})", source.path));
            }
        }
    }
    faults
}

/// What may not be used although it lies below, and the only things the sandbox may use.
pub fn forbidden_uses(sources: &[Source]) -> Vec<String> {
    let forbidden = |user: &str, used: &str| match user {
        "gateways" => matches!(used, "store" | "rates" | "geo"),
        "store" => matches!(used, "vault"),
        "sandbox" => !matches!(used, "money" | "clock" | "ids" | "sandbox"),
        "domain" => matches!(used, "vault"),
        _ => false,
    };
    let mut faults = Vec::new();
    for source in sources {
        let module = source.module();
        let Some(user) = module.first() else { continue };
        for (line, path) in paths(source) {
            if path.first().is_some_and(|used| forbidden(user, used)) {
                faults.push(format!("{}:{line} uses {}, which {user} must not know", source.path, path[0]));
            }
        }
        // The far side keeps a book of its own, away from the store's.
        if *user != "store" && *user != "sandbox" {
            faults.extend(words(std::slice::from_ref(source), "src/", &["sqlx"]));
        }
    }
    faults
}

/// A gateway's folder that names another gateway's.
pub fn adapters_that_meet(sources: &[Source]) -> Vec<String> {
    let adapter = |source: &Source| {
        let parts: Vec<&str> = source.path.split('/').collect();
        matches!(parts[..], ["src", "gateways", _, _, ..]).then(|| parts[2].to_owned())
    };
    let mut adapters: Vec<String> = sources.iter().filter_map(adapter).collect();
    adapters.dedup();
    let mut faults = Vec::new();
    for source in sources {
        let Some(own) = adapter(source) else { continue };
        for (line, path) in paths(source) {
            if let [gateways, other, ..] = &path[..]
                && gateways == "gateways"
                && *other != own
                && adapters.contains(other)
            {
                faults.push(format!("{}:{line} uses {other}: adapters do not see one another", source.path));
            }
        }
    }
    faults
}

/// Words of code that have no place below `place`.
pub fn words(sources: &[Source], place: &str, forbidden: &[&str]) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources.iter().filter(|source| source.path.starts_with(place)) {
        for (line, code) in source.code_lines() {
            for word in forbidden.iter().filter(|word| has_word(code, word)) {
                faults.push(format!("{}:{line} has `{word}`, which has no place in {place}", source.path));
            }
        }
    }
    faults
}

pub fn has_word(code: &str, word: &str) -> bool {
    let part_of_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    code.match_indices(word).any(|(at, _)| {
        let before = at.checked_sub(1).map(|before| code.as_bytes()[before]);
        let after = code.as_bytes().get(at + word.len()).copied();
        !before.is_some_and(part_of_name) && !after.is_some_and(part_of_name)
    })
}

/// Every path of the crate that a file names, from the root: `crate::{a, b::c}` is `a` and `b::c`; `super` is followed.
fn paths(source: &Source) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    for keyword in ["crate::", "super::"] {
        for (at, _) in source.code.match_indices(keyword) {
            let before = source.code[..at].chars().next_back();
            if before.is_some_and(|before| before.is_alphanumeric() || matches!(before, '_' | ':' | '$')) {
                continue;
            }
            let mut rest = &source.code[at..];
            let mut prefix: Vec<String> = Vec::new();
            if keyword == "super::" {
                let supers = rest.split("super::").take_while(|between| between.is_empty()).count();
                // Code that is indented may stand in a module of its own within the file (`mod tests`).
                let line_start = source.code[..at].rfind('\n').map_or(0, |end| end + 1);
                let nested = usize::from(source.code[line_start..].starts_with(' '));
                let module = source.module();
                prefix = module
                    .iter()
                    .take((module.len() + nested).saturating_sub(supers))
                    .map(|part| (*part).to_owned())
                    .collect();
                rest = &rest["super::".len() * supers..];
            } else {
                rest = &rest[keyword.len()..];
            }
            let line = source.line_at(at);
            for path in expand(rest) {
                found.push((line, prefix.iter().cloned().chain(path).collect()));
            }
        }
    }
    found
}

/// `a::b` and `{a, b::{c, d}}` as paths.
fn expand(code: &str) -> Vec<Vec<String>> {
    let code = code.trim_start();
    if let Some(group) = code.strip_prefix('{') {
        let (mut depth, mut start, mut paths) = (0, 0, Vec::new());
        for (at, letter) in group.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' if depth > 0 => depth -= 1,
                '}' | ',' if depth == 0 => {
                    paths.extend(expand(&group[start..at]));
                    start = at + 1;
                    if letter == '}' {
                        break;
                    }
                }
                _ => {}
            }
        }
        return paths;
    }
    let length = code.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(code.len());
    let name = &code[..length];
    if name.is_empty() {
        return Vec::new();
    }
    match code[length..].strip_prefix("::") {
        Some(rest)
            if rest.starts_with(|letter: char| letter.is_alphabetic() || letter == '{' || letter == '_') =>
        {
            expand(rest).into_iter().map(|path| [vec![name.to_owned()], path].concat()).collect()
        }
        _ => vec![vec![name.to_owned()]],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn house() -> Vec<String> {
        ["money", "domain", "store", "gateways", "flows", "sandbox"].map(str::to_owned).to_vec()
    }

    #[test]
    fn a_use_of_a_higher_floor_is_named() {
        let code = "use crate::money::Money;\n\nuse crate::{\n    domain::orders,\n    store::Store,\n};\n/// See crate::flows.\n";
        let sources = [Source::new("src/domain/ledger/mod.rs", code)];
        let faults = upward_uses(&sources, &house(), "");
        assert_eq!(faults, ["domain:3 uses store, which is above it (src/domain/ledger/mod.rs)"]);
    }

    #[test]
    fn super_does_not_hide_a_floor() {
        let sources = [
            Source::new("src/money.rs", "use super::store::Store;\nmod tests {\n    use super::Money;\n}\n"),
            Source::new(
                "src/domain/fees/assess.rs",
                "fn f() { super::super::super::flows::go(); }\nuse super::super::fees;",
            ),
        ];
        let faults = upward_uses(&sources, &house(), "");
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(faults[0].starts_with("money:1 uses store") && faults[1].starts_with("domain:1 uses flows"));
    }

    #[test]
    fn nouns_have_floors_of_their_own() {
        let nouns = ["ledger", "fees", "orders"].map(str::to_owned);
        let sources = [
            Source::new(
                "src/domain/fees/mod.rs",
                "use crate::domain::ledger::Account;\nuse super::orders::Report;\n",
            ),
            Source::new("src/domain/ledger/mod.rs", "use crate::domain::{fees::Schedule};\n"),
            Source::new("src/flows/pay.rs", "use crate::domain::orders;\n"),
        ];
        let faults = upward_uses(&sources, &nouns, "domain");
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(faults[0].contains("fees:2 uses orders") && faults[1].contains("ledger:1 uses fees"));
    }

    #[test]
    fn floors_are_read_in_their_order() {
        let lib = Source::new("src/lib.rs", "/// Why.\npub mod ids;\nmod clock;\n// pub mod gone;\n");
        assert_eq!(listed(&[lib], "src/lib.rs"), ["ids", "clock"]);
    }

    #[test]
    fn strangers_are_refused() {
        let sources = [
            Source::new("src/sandbox/paypal.rs", "use crate::gateways::paypal;\nuse crate::money::Money;\n"),
            Source::new("src/gateways/paypal/mod.rs", "use crate::store::Store;\n"),
            Source::new("src/flows/pay.rs", "let row = sqlx::query(text);\n"),
            Source::new("src/store/mod.rs", "use sqlx::AnyPool;\n"),
            Source::new("src/sandbox/book.rs", "use sqlx::SqlitePool;\n"),
        ];
        assert_eq!(forbidden_uses(&sources).len(), 3, "{:?}", forbidden_uses(&sources));
    }

    #[test]
    fn adapters_that_meet_are_named() {
        let sources = [
            Source::new(
                "src/gateways/grabpay/sign.rs",
                "use crate::gateways::paypal::sign::crc;\nuse super::super::json;\n",
            ),
            Source::new(
                "src/gateways/paypal/mod.rs",
                "use super::paypal::wire;\nuse crate::gateways::RawNotification;\n",
            ),
            Source::new("src/gateways/registry.rs", "use crate::gateways::{grabpay, paypal};\n"),
        ];
        let faults = adapters_that_meet(&sources);
        assert_eq!(faults, ["src/gateways/grabpay/sign.rs:1 uses paypal: adapters do not see one another"]);
    }

    #[test]
    fn words_are_whole() {
        let sources =
            [Source::new("src/domain/x.rs", "async fn a() {}\nlet asynchronous = \"async\"; // async\n")];
        assert_eq!(words(&sources, "src/domain/", &["async"]).len(), 1);
        assert!(
            has_word("a.await", "await") && !has_word("awaited", "await") && !has_word("_await", "await")
        );
    }
}
