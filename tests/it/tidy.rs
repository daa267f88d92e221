//! The house keeps its own rules: every statement of ARCHITECTURE.md that a program can check is checked here.
//!
//! Each rule is a function from sources to faults, and each has a test that feeds it something untidy: a rule that
//! finds nothing must be able to find something.

mod floors;
mod manners;
mod repository;
mod source;

use source::{Source, in_repository, sources_under};

fn assert_tidy(faults: Vec<String>) {
    assert!(faults.is_empty(), "\n  {}\n", faults.join("\n  "));
}

#[test]
fn a_module_uses_only_those_listed_before_it() {
    let sources = sources_under("src");
    assert!(sources.len() > 30, "only {} files were read", sources.len());
    let crate_floors = floors::listed(&sources, "src/lib.rs");
    let noun_floors = floors::listed(&sources, "src/domain/mod.rs");
    assert!(crate_floors.len() > 10 && noun_floors.len() > 5);
    assert_tidy(floors::upward_uses(&sources, &crate_floors, ""));
    assert_tidy(floors::upward_uses(&sources, &noun_floors, "domain"));
}

#[test]
fn neighbours_that_must_not_meet_do_not() {
    let sources = sources_under("src");
    assert_tidy(floors::forbidden_uses(&sources));
    assert_tidy(floors::adapters_that_meet(&sources));
    assert_tidy(floors::words(&sources_under("fx-providers/src"), "fx-providers/", &["straits"]));
    assert_tidy(floors::words(&sources_under("statement-pdf/src"), "statement-pdf/", &["straits"]));
    assert_tidy(floors::words(&sources_under("plan-checker/src"), "plan-checker/", &["straits"]));
}

#[test]
fn nouns_are_pure() {
    let sources = sources_under("src");
    for place in ["src/domain/", "src/money/", "src/ids.rs"] {
        assert_tidy(floors::words(
            &sources,
            place,
            &["async", "await", "tokio", "sqlx", "reqwest", "actix_web", "std::fs", "TcpStream", "tracing"],
        ));
    }
}

#[test]
fn sql_lives_in_the_store() {
    assert_tidy(manners::sql_outside_the_store(&sources_under("src")));
}

#[test]
fn what_is_booked_is_never_changed() {
    let mut sources = sources_under("src/store");
    sources.extend(sources_under("migrations"));
    assert_tidy(manners::changes_of_the_books(&sources));
}

#[test]
fn statements_keep_to_what_every_engine_has() {
    let mut sources = sources_under("src/store");
    sources.extend(sources_under("migrations"));
    assert_tidy(manners::not_on_every_engine(&sources));
}

#[test]
fn money_never_meets_floating_point() {
    assert_tidy(manners::floats(&sources_under("src"), manners::FLOATS_ALLOWED));
    assert_tidy(manners::floats(&sources_under("fx-providers/src"), &[]));
    assert_tidy(manners::floats(&sources_under("plan-checker/src"), &[]));
}

#[test]
fn time_comes_in_through_the_clock() {
    assert_tidy(manners::clocks(&sources_under("src")));
}

#[test]
fn standard_output_has_one_door() {
    assert_tidy(manners::outputs(&sources_under("src")));
}

#[test]
fn files_are_short_and_named_for_what_they_hold() {
    let sources = sources_under("src");
    assert_tidy(manners::long_files(&sources));
    assert_tidy(manners::empty_names(&sources));
    assert_tidy(manners::headless(&sources));
}

#[test]
fn nothing_is_left_half_done() {
    let mut sources = sources_under("src");
    sources.extend(sources_under("fx-providers/src"));
    sources.extend(sources_under("statement-pdf/src"));
    assert_tidy(manners::leftovers(&sources));
}

#[test]
fn forbidden_crates_are_not_in_the_tree() {
    assert_tidy(repository::banned_crates(&in_repository("Cargo.lock")));
}

#[test]
fn every_configuration_file_is_explained() {
    let text = in_repository("ARCHITECTURE.md");
    assert_tidy(repository::unexplained(&repository::configuration_files(), &text));
}

#[test]
fn what_architecture_names_exists() {
    assert_tidy(repository::missing_paths(&in_repository("ARCHITECTURE.md")));
}

#[test]
fn the_scripts_can_be_run() {
    assert_tidy(repository::not_executable(&["tests/run", ".ci/run"]));
}
