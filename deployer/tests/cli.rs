//! What the command line promises without AWS.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test may panic")]

use std::fmt::Write as _;
use std::path::Path;
use std::process::Output;

use assert_cmd::Command;

fn deploy(arguments: &[&str]) -> Output {
    let mut command = Command::cargo_bin("deploy").unwrap();
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", "/nonexistent").args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The reference of all commands, from their own help.
fn reference() -> String {
    let mut out = String::from("# Command line\n\nWhat `--help` prints, command by command.\n");
    let mut root = deployer::cli::command();
    root.build();
    let names: Vec<String> = root.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    let mut section = |command: &str, arguments: &[&str]| {
        let help = text(&deploy(arguments).stdout);
        let _ = write!(out, "\n## `{command}`\n\n```text\n{}\n```\n", help.trim_end());
    };
    section("deploy", &["--help"]);
    for name in names.iter().filter(|name| *name != "help") {
        section(&format!("deploy {name}"), &[name, "--help"]);
    }
    out
}

/// To bring the file up to date: `UPDATE_DOCS=1 cargo test -p deployer --test cli`
#[test]
fn the_documented_commands_are_the_real_ones() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/cli.md");
    let current = reference();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &current).unwrap();
    }
    assert!(std::fs::read_to_string(&path).unwrap_or_default() == current, "docs/cli.md is out of date");
}

#[test]
fn every_test_that_the_security_page_names_is_there() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let page = std::fs::read_to_string(docs.join("security.md")).unwrap();
    let mut count = 0;
    for named in page.split("](../").skip(1) {
        let (file, tests) = named.split_once("): ").unwrap_or_else(|| panic!("no test behind {named:.60}"));
        let source = std::fs::read_to_string(docs.join("..").join(file)).unwrap_or_else(|why| panic!("{file}: {why}"));
        let tests = tests.lines().next().unwrap_or_default();
        // Up to the next file, which stands in brackets.
        let tests = tests.split('[').next().unwrap_or_default();
        for test in tests.split('`').skip(1).step_by(2) {
            let (before, _) = source
                .split_once(&format!("fn {test}("))
                .unwrap_or_else(|| panic!("docs/security.md names {test}, which {file} does not have"));
            let near: Vec<&str> = before.lines().rev().take(4).collect();
            // Or a macro makes it one for each processor.
            let is_test = ["proptest! {", "macro_rules! "].iter().any(|made| before.contains(made))
                || near.iter().any(|line| line.contains("test"));
            assert!(is_test, "{file}: {test} is no test");
            count += 1;
        }
    }
    assert!(count >= 50, "{count} tests are named");
}

#[test]
fn a_wrong_command_line_is_an_error_and_never_pending_changes() {
    for arguments in [&["paln"][..], &["plan"], &["plan", "x.yaml", "--no-such-flag"], &["apply", "x", "--adopt", "y"]]
    {
        let output = deploy(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn help_and_version_are_results() {
    for arguments in [&["--help"][..], &["--version"], &["plan", "--help"], &["schema"], &["man"]] {
        let output = deploy(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(output.stderr.is_empty() && !output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn every_shell_has_its_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = deploy(&["completions", shell]);
        assert!(output.status.success() && text(&output.stdout).contains("teardown"), "{shell}");
    }
}

#[test]
fn the_schema_on_file_is_the_one_that_the_binary_prints() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec.schema.json");
    assert_eq!(text(&deploy(&["schema"]).stdout), std::fs::read_to_string(path).unwrap());
}

#[test]
fn all_faults_of_all_files_are_told_in_one_run() {
    let folder = tempfile::tempdir().unwrap();
    let rest = "region: us-east-1\nsecret: {name: x}\nschedule: {expression: rate(1 day)}\n";
    std::fs::write(folder.path().join("a.yaml"), format!("name: a b\naccount: 1\n{rest}")).unwrap();
    std::fs::write(folder.path().join("b.yml"), format!("nmae: x\naccount: \"123456789012\"\n{rest}")).unwrap();
    std::fs::write(folder.path().join("c.txt"), "not a spec").unwrap();
    let output = deploy(&["validate", folder.path().to_str().unwrap()]);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(told.contains("a.yaml:1:") && told.contains("a.yaml:2:") && told.contains("b.yml:1:"), "{told}");
    assert!(!told.contains("c.txt"), "{told}");
}

#[test]
fn validation_needs_no_account_and_says_when_it_fires() {
    let spec = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/myapp.yaml");
    let output = deploy(&["validate", spec.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stdout).matches("next").count(), 3);
    assert_eq!(deploy(&["validate", "--deny", "warnings", spec.to_str().unwrap()]).status.code(), Some(1));
}

#[test]
fn a_file_that_is_no_text_or_too_large_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.yaml");
    for (content, told) in [(vec![0xff, 0xfe], "not UTF-8"), (vec![b'#'; 70_000], "at most")] {
        std::fs::write(&path, content).unwrap();
        let output = deploy(&["validate", path.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains(told));
    }
}

#[test]
fn a_pipe_gets_no_escape_codes() {
    let output = deploy(&["validate", "/nonexistent.yaml"]);
    assert!(!text(&output.stderr).contains('\u{1b}'));
}

#[test]
fn a_result_that_cannot_be_written_is_an_error_and_one_that_nobody_wants_is_none() {
    let binary = env!("CARGO_BIN_EXE_deploy");
    let run = |script: String| std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
    for arguments in ["schema", "--help", "plan --help", "--version", "man", "completions bash"] {
        let full = run(format!("{binary} {arguments} > /dev/full"));
        assert_eq!(full.status.code(), Some(1), "{arguments}");
        assert!(text(&full.stderr).contains("can't be written to stdout"), "{arguments}: {}", text(&full.stderr));
        let unwanted = run(format!("{{ {binary} {arguments}; echo code $? >&2; }} | true"));
        assert_eq!(text(&unwanted.stderr), "code 0\n", "{arguments}");
    }
}

#[test]
fn a_schedule_that_is_over_is_refused_where_it_would_be_put_into_effect_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("over.yaml");
    let text = "name: over\naccount: \"123456789012\"\nregion: us-east-1\nsecret: {name: over}\n\
                schedule: {expression: at(2020-01-31T03:00:00)}\n";
    std::fs::write(&path, text).unwrap();
    let spec = path.to_str().unwrap();
    for command in ["validate", "plan", "apply"] {
        let ran = deploy(&[command, spec]);
        let told = text_of(&ran);
        assert_eq!(ran.status.code(), Some(1), "{command}: {told}");
        assert!(told.contains("never fires again: the last time was 2020-01-31 03:00 UTC"), "{command}: {told}");
        assert!(told.contains(":5:24"), "{command}: {told}");
    }
    assert_eq!(deploy(&["policy", "--for", "teardown", spec]).status.code(), Some(0));
}

fn text_of(ran: &Output) -> String {
    text(&ran.stdout) + &text(&ran.stderr)
}
