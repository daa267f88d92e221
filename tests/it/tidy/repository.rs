//! The repository around the code.

use std::fs;

use super::source::root;

/// Crates that may not come in, not even through another: why, and what to use instead.
const BANNED: [(&str, &str); 4] = [
    ("rsa", "timing side channel RUSTSEC-2023-0071: use aws-lc-rs"),
    ("openssl-sys", "needs the system's OpenSSL: use rustls with aws-lc-rs"),
    ("native-tls", "needs the system's OpenSSL: use rustls with aws-lc-rs"),
    ("actix-governor", "GPL-3.0-or-later: use governor"),
];

/// Banned crates in a lock file.
pub fn banned_crates(lock: &str) -> Vec<String> {
    let named = |name: &str| lock.lines().any(|line| line == format!("name = \"{name}\""));
    let banned = BANNED.iter().filter(|(name, _)| named(name));
    banned.map(|(name, why)| format!("Cargo.lock has {name}: {why}")).collect()
}

/// The entries of `config/`: files by name, folders with a slash.
pub fn configuration_files() -> Vec<String> {
    let entries = fs::read_dir(root().join("config")).expect("config/ exists");
    let mut names: Vec<String> = entries
        .map(|entry| {
            let path = entry.expect("config/ reads").path();
            let name = path.file_name().expect("it has a name").to_string_lossy().into_owned();
            if path.is_dir() { format!("config/{name}/") } else { format!("config/{name}") }
        })
        .collect();
    names.sort();
    names
}

/// Configuration that a text does not mention.
pub fn unexplained(files: &[String], text: &str) -> Vec<String> {
    let silent = files.iter().filter(|file| !text.contains(&format!("`{file}")));
    silent.map(|file| format!("ARCHITECTURE.md does not say what {file} is")).collect()
}

/// Paths between back-ticks (`src/…`, `tests/…`, `migrations/…`) that do not exist.
pub fn missing_paths(text: &str) -> Vec<String> {
    let places = ["src/", "tests/", "migrations/", "benches/", "fx-providers/", "statement-pdf/"];
    let quoted = text.split('`').skip(1).step_by(2);
    let paths = quoted.filter(|word| places.iter().any(|place| word.starts_with(place)));
    let paths = paths.filter(|word| !word.contains(['*', '<', ' ', '{', '…']));
    let missing = paths.filter(|path| !root().join(path.split("::").next().unwrap_or(path)).exists());
    missing.map(|path| format!("ARCHITECTURE.md names `{path}`, which does not exist")).collect()
}

/// Scripts without the bit that lets them run.
pub fn not_executable(paths: &[&str]) -> Vec<String> {
    #[cfg(unix)]
    let runs = |path: &str| {
        use std::os::unix::fs::PermissionsExt;
        fs::metadata(root().join(path)).is_ok_and(|file| file.permissions().mode() & 0o111 == 0o111)
    };
    #[cfg(not(unix))]
    let runs = |path: &str| root().join(path).exists();
    paths.iter().filter(|path| !runs(path)).map(|path| format!("{path} cannot be run")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn banned_crates_are_found_by_their_whole_name() {
        assert_eq!(banned_crates("name = \"rsa\"\nversion = \"0.9.8\"\n").len(), 1);
        assert_eq!(banned_crates("name = \"rsa-export\"\n"), Vec::<String>::new());
    }

    #[test]
    fn unexplained_configuration_is_found() {
        let files = ["config/a.toml".to_owned(), "config/fees/".to_owned()];
        assert_eq!(unexplained(&files, "`config/a.toml` and config/fees/").len(), 1);
        assert_eq!(unexplained(&files, "`config/a.toml`, `config/fees/*.toml`"), Vec::<String>::new());
    }

    #[test]
    fn missing_paths_and_idle_scripts_are_found() {
        assert_eq!(missing_paths("see `src/lib.rs`, `src/nowhere.rs` and `src/gateways/<name>/`").len(), 1);
        assert_eq!(not_executable(&["Cargo.toml", "tests/run"]), ["Cargo.toml cannot be run"]);
    }
}
