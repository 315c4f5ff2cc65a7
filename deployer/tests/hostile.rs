//! Files that are made to exhaust, confuse or hang whoever reads them: refused in bounded time and memory, by the real
//! binary under limits of the system's own.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test may panic")]

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// KiB of memory that the process may map, its own code and stack among them.
const MEMORY: u32 = 256 * 1024;
/// Seconds of the processor's time.
const TIME: u32 = 20;
const LIMIT: usize = plan::spec::MAX_FILE_SIZE;
const SPEC: &str = include_str!("../../config/myapp.yaml");

/// A folder with files in it, in which the binary is started.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn with(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        fs::write(self.0.path().join(name), content).unwrap();
        self
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// `script` with the binary as `$deploy`, under the limits.
    fn start(&self, script: &str) -> std::process::Child {
        let mut command = Command::new("bash");
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("deploy", env!("CARGO_BIN_EXE_deploy"))
            .current_dir(self.path());
        let limited = format!("ulimit -v {MEMORY} -t {TIME} || exit 99; {script}");
        let quiet = command.arg("-c").arg(limited).stdin(Stdio::null());
        quiet.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn run(&self, script: &str) -> Told {
        Told::of(&self.start(script).wait_with_output().unwrap())
    }

    fn validate(&self, arguments: &str) -> Told {
        self.run(&format!("exec $deploy validate {arguments}"))
    }
}

/// What a run came to.
#[derive(Debug)]
struct Told {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Told {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// It ended by itself with that code and in words for a person, all of which are there.
    #[track_caller]
    fn ends(&self, code: i32, words: &[&str]) {
        let Self { code: ended, out, err } = self;
        let head: String = err.chars().take(2000).collect();
        assert_eq!(*ended, Some(code), "{head}");
        for word in words {
            assert!(err.contains(word) || out.contains(word), "no {word:?} in {head}");
        }
        assert!(!err.contains("panicked") && !err.contains("RUST_BACKTRACE"), "{head}");
        assert!(err.len() + out.len() <= 64 * 1024, "{} bytes are told", err.len() + out.len());
        let control = err.chars().chain(out.chars()).find(|c| c.is_control() && *c != '\n');
        assert!(control.is_none(), "{control:?} in {head}");
    }
}

/// Files of exactly the largest size, filled up with a pattern.
fn full(begin: &str, pattern: &str, end: &str) -> String {
    let room = LIMIT - begin.len() - end.len();
    let mut text = begin.to_owned() + &pattern.repeat(room / pattern.len()) + end;
    text += &"\n".repeat(LIMIT - text.len());
    text
}

/// What makes a file a spec, but for one key.
fn others(key: &str) -> String {
    let all = [
        ("name", "name: x"),
        ("account", "account: \"123456789012\""),
        ("region", "region: us-east-1"),
        ("secret", "secret: {name: x}"),
        ("schedule", "schedule: {expression: rate(30 days)}"),
    ];
    let others = all.iter().filter(|(name, _)| *name != key);
    others.fold(String::new(), |text, (_, line)| text + "\n" + line)
}

/// Each name twice the one before, ten to a line: 10^9 of them, if they were all written out.
fn bomb() -> String {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let alias = format!("*a{}", level - 1);
        let _ = writeln!(text, "a{level}: &a{level} [{}]", vec![alias; 10].join(", "));
    }
    text
}

#[test]
fn yaml_that_would_grow_or_nest_without_end_is_refused_with_its_place() {
    let indented = (0..350).fold(String::new(), |text, depth| text + &" ".repeat(depth) + "a:\n");
    let (limit, syntax) = ("error[yaml-limit]", "error[yaml-syntax]");
    for (_, text, code, place) in [
        ("a bomb of aliases", bomb(), limit, "x.yaml:4:"),
        ("a list in itself", "name: &a [*a]\n".to_owned(), syntax, "x.yaml:1:"),
        ("a map in itself", "a: &a\n  b: *a\n".to_owned(), syntax, "x.yaml:2:"),
        ("flow lists", full("", "[", ""), syntax, "x.yaml:1:"),
        ("flow maps", full("", "{a: ", ""), syntax, "x.yaml:1:"),
        ("block lists", full("", "- ", ""), limit, "x.yaml:1:"),
        ("block maps", indented, limit, "x.yaml:17:"),
        ("keys of keys", full("", "? ", ""), limit, "x.yaml:1:"),
        ("tags", full("name: ", "!a ", "x"), syntax, "x.yaml:1:"),
        ("anchors", full("", "&a ", "x"), syntax, "x.yaml:1:"),
        ("quotes that never close", full("name: \"", "\\u0041", ""), syntax, "x.yaml:1:"),
        ("documents", full("", "---\n", ""), "a second YAML document", "x.yaml:2:"),
        ("merge keys", format!("base: &b {{a: 1}}\n{}", "<<: *b\n".repeat(1000)), limit, "x.yaml:2:"),
        (
            "aliases",
            format!("tags:\n  a: &a x\n{}", (0..2000).fold(String::new(), |t, n| format!("{t}  k{n}: *a\n"))),
            limit,
            "x.yaml:35:",
        ),
        ("scalars", full("", "- x\n", ""), limit, "x.yaml:4096:"),
    ] {
        let told = Desk::new().with("x.yaml", text).validate("x.yaml");
        told.ends(1, &[code, place]);
    }
}

#[test]
fn as_many_faults_as_a_file_can_have_are_told_in_bounded_time() {
    for (_, text) in [
        ("unknown keys", (0..2000).fold(String::new(), |text, n| format!("{text}k{n}: x\n")) + &others("")),
        (
            "unknown keys in a line",
            format!(
                "{{{} {}}}",
                (0..2000).fold(String::new(), |text, n| format!("{text}k{n}: x, ")),
                others("").trim().replace('\n', ", ")
            ),
        ),
        ("equal keys", "name: x\n".repeat(2000) + &others("name")),
        (
            "secrets",
            format!(
                "secret:\n{}{}",
                (0..2000).fold(String::new(), |text, n| format!("{text}  k{n}: x\n")),
                others("secret")
            ),
        ),
        (
            "tags",
            format!(
                "tags:\n{}{}",
                (0..2000).fold(String::new(), |text, n| format!("{text}  k{n}: \"\\x7f\"\n")),
                others("")
            ),
        ),
        (
            "subnets",
            format!("function: {{vpc: {{security_groups: [], subnets: [{}]}}}}{}", "x, ".repeat(2000), others("")),
        ),
    ] {
        let told = Desk::new().with("x.yaml", text).validate("x.yaml");
        // The others are counted.
        told.ends(1, &["error", "x.yaml:", "help", "error[too-many]: there are 19"]);
    }
}

#[test]
fn huge_words_are_told_in_short() {
    let long = |key: &str| full(&format!("{key}: "), "x", &others(key));
    for (_, text, words) in [
        ("a key", full("", "x", ": 1\n"), "error[yaml-syntax]"),
        ("a scalar", long("name"), "name"),
        ("a region", long("region"), "region"),
        ("a zone", full("schedule: {timezone: ", "x", &format!("}}{}", others("schedule"))), "error[timezone]"),
        (
            "a cron",
            full("schedule: {expression: \"cron(", "1,", &format!(" * * * ? *)\"}}{}", others("schedule"))),
            "error[schedule-expression]: the expression has 654",
        ),
        (
            "a template",
            full("secret:\n  derived:\n    url: \"", "{a}", &format!("\"\n{}", others("secret"))),
            "error[configuration-too-large]",
        ),
        ("a comment", full("# ", "x", ""), "empty"),
        ("blanks", full("", " ", ""), "empty"),
    ] {
        let told = Desk::new().with("x.yaml", text).validate("x.yaml");
        told.ends(1, &["error", "x.yaml:", words]);
    }
}

#[test]
fn what_is_no_text_is_refused_and_a_byte_order_mark_is_none_of_it() {
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let nul = SPEC.replacen("myapp-db-password", "myapp\0db", 1);
    for (content, told) in [
        (b"name: \xff\xfe\n".to_vec(), "not UTF-8: the byte at offset 6"),
        (utf16(&format!("\u{feff}{SPEC}")), "not UTF-8: the byte at offset 0"),
        (utf16(SPEC), "x.yaml:1:"),
        (nul.into_bytes(), "x.yaml:"),
        (vec![0; LIMIT], "x.yaml:1:"),
        (SPEC.replacen("name: myapp-db-password", "name: a\nname: b", 1).into_bytes(), "`name` is given twice"),
    ] {
        let told_all = Desk::new().with("x.yaml", content).validate("x.yaml");
        told_all.ends(1, &["error", told]);
    }
    Desk::new().with("x.yaml", format!("\u{feff}{SPEC}")).validate("x.yaml").ends(0, &["myapp-db-password"]);
}

#[test]
fn a_file_has_64_kib_at_most() {
    let exactly = SPEC.to_owned() + &"#".repeat(LIMIT - SPEC.len());
    Desk::new().with("x.yaml", &exactly).validate("x.yaml").ends(0, &["myapp-db-password"]);
    for desk in [exactly + "#", "x".repeat(8 * LIMIT)].map(|text| Desk::new().with("x.yaml", text)) {
        desk.validate("x.yaml").ends(1, &["x.yaml is too large: a spec has 64 KiB at most"]);
    }
}

#[test]
fn a_device_without_end_is_refused_and_an_empty_one_is_an_empty_file() {
    let desk = Desk::new();
    desk.validate("/dev/zero").ends(1, &["/dev/zero is too large: a spec has 64 KiB at most"]);
    desk.validate("/dev/null").ends(1, &["the file is empty"]);
    desk.validate("/proc/self/mem").ends(1, &["/proc/self/mem can't be read"]);
    desk.validate("<(yes)").ends(1, &["is too large"]);
}

/// What stands in a file that is none of the folder's.
const CANARY: &str = "cAnArY";

#[test]
fn a_link_leads_to_no_file_outside_of_the_folder_and_nothing_of_it_is_told() {
    let outside = Desk::new().with("credentials", format!("[default]\naws_secret_access_key = {CANARY}\n"));
    let outside = outside.with("spec.yaml", SPEC.replace("myapp-db-password", CANARY)).with("x.yaml", CANARY);
    let target = |name: &str| outside.path().join(name);
    for (lead, to) in [
        ("to a file", target("credentials")),
        ("to a spec", target("spec.yaml")),
        ("to a folder", outside.path().to_owned()),
        ("to a device", "/dev/zero".into()),
        ("to a terminal", "/dev/tty".into()),
        ("to the environment", "/proc/self/environ".into()),
        ("to what is open", "/proc/self/fd/0".into()),
        ("through a folder", "linked/credentials".into()),
        ("by dots", Path::new("..").join(outside.path().file_name().unwrap()).join("credentials")),
        ("to a link", "second".into()),
        ("to nothing", "absent".into()),
        ("to itself", "x.yaml".into()),
    ] {
        let desk = Desk::new().with("good.yaml", SPEC);
        symlink(outside.path(), desk.path().join("linked")).unwrap();
        symlink(target("credentials"), desk.path().join("second")).unwrap();
        symlink(&to, desk.path().join("x.yaml")).unwrap();
        let told = desk.run(&format!("export {CANARY}=1; exec $deploy validate . -o json"));
        told.ends(1, &["x.yaml", "good.yaml"]);
        assert!(!told.err.contains(CANARY) && !told.out.contains(CANARY), "{lead}: {told:?}");
        let says = ["leads out of the folder", "can't be read", "is no file"];
        assert!(says.iter().any(|words| told.err.contains(words)), "{lead}: {told:?}");
    }
}

#[test]
fn a_link_inside_of_the_folder_is_followed_as_a_mounted_config_map_has_it() {
    let desk = Desk::new();
    fs::create_dir(desk.path().join("..2026")).unwrap();
    let desk = desk.with("..2026/a.yaml", SPEC);
    symlink("..2026", desk.path().join("..data")).unwrap();
    symlink("..data/a.yaml", desk.path().join("a.yaml")).unwrap();
    symlink("a.yaml", desk.path().join("b.yaml")).unwrap();
    // Two links to one file are one stack.
    let told = desk.validate(".");
    told.ends(0, &["myapp-db-password"]);
    assert_eq!(told.out.matches("stack myapp-db-password").count(), 1, "{told:?}");
    // The folder itself may be a link: whoever named it chose it.
    let other = Desk::new();
    symlink(desk.path(), other.path().join("config")).unwrap();
    other.validate("config").ends(0, &["myapp-db-password"]);
}

#[test]
fn what_is_not_a_spec_is_not_quoted_whoever_named_it() {
    let desk = Desk::new()
        .with("credentials", format!("[default]\naws_secret_access_key = {CANARY}\n - {CANARY}\n"))
        .with("key.pem", format!("-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----\n"))
        .with("environ", format!("PATH=/bin\0TOKEN={CANARY}\0"))
        .with("kube.yaml", format!("apiVersion: v1\nusers: [{{name: {CANARY}, user: {{token: {CANARY}}}}}]\n"))
        .with("hosts.yml", format!("github.com:\n  oauth_token: {CANARY}\n  user: {CANARY}\n"))
        .with("values.yaml", format!("name: x\naccount: \"1\"\nregion: y\npassword: {CANARY}\n{CANARY}: 1\n"))
        .with("half.yaml", format!("secret: {CANARY}\nname: {CANARY}\nschedule: {CANARY}\n"))
        .with("torn.yaml", format!("token: \"{CANARY}\nname: {CANARY}\n"))
        .with("list.yaml", format!("- {CANARY}\n"))
        .with("word", CANARY)
        .with("keys.yaml", format!("{CANARY}: 1\n*{CANARY}\n"))
        .with("tag.yaml", format!("!{CANARY} x\n"))
        .with("anchor.yaml", format!("a: *{CANARY}\n"));
    let files: Vec<_> = fs::read_dir(desk.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files.len(), 13);
    for file in files {
        let file = file.to_str().unwrap();
        symlink(file, desk.path().join("link")).unwrap();
        for named in [file, "link"] {
            for output in ["text", "json"] {
                let told = desk.validate(&format!("{named} -o {output}"));
                told.ends(1, &[named]);
                assert!(!told.err.contains(CANARY) && !told.out.contains(CANARY), "{told:?}");
            }
        }
        fs::remove_file(desk.path().join("link")).unwrap();
    }
}

#[test]
fn a_spec_comes_through_a_pipe_even_late() {
    let desk = Desk::new().with("x.yaml", SPEC);
    desk.validate("<(cat x.yaml)").ends(0, &["myapp-db-password"]);
    desk.validate("<(head -c 300 x.yaml; sleep 1; tail -c +301 x.yaml)").ends(0, &["myapp-db-password"]);
    let made = Command::new("mkfifo").arg(desk.path().join("pipe")).status().unwrap();
    assert!(made.success());
    let reader = desk.start("exec $deploy validate pipe");
    let mut pipe = fs::OpenOptions::new().write(true).open(desk.path().join("pipe")).unwrap();
    for part in SPEC.as_bytes().chunks(SPEC.len() / 2 + 1) {
        std::thread::sleep(Duration::from_millis(300));
        pipe.write_all(part).unwrap();
    }
    drop(pipe);
    Told::of(&reader.wait_with_output().unwrap()).ends(0, &["myapp-db-password"]);
}

#[test]
fn a_folder_s_files_are_read_and_what_waits_for_a_writer_is_none() {
    let desk = Desk::new().with("a.yaml", SPEC);
    fs::create_dir(desk.path().join("c.yaml")).unwrap();
    assert!(Command::new("mkfifo").arg(desk.path().join("b.yaml")).status().unwrap().success());
    desk.validate(".").ends(1, &["./b.yaml is no file", "./c.yaml is no file", "myapp-db-password"]);
    let desk = Desk::new();
    for number in 0..3000 {
        fs::write(desk.path().join(format!("{number}.yaml")), others("account")).unwrap();
    }
    desk.run("exec $deploy validate . > told 2>&1").ends(1, &[]);
    let told = fs::read_to_string(desk.path().join("told")).unwrap();
    assert_eq!(told.matches("`account` is required").count(), 3000);
    assert!(!told.contains("panicked"));
}

#[test]
fn a_file_that_grows_while_it_is_read_ends_the_run_all_the_same() {
    let desk = Desk::new().with("x.yaml", "#".repeat(LIMIT + 1));
    let script = "(while :; do printf '%1000s' >> x.yaml; done) & writer=$!; sleep 0.3; $deploy validate x.yaml; code=$?; kill $writer; exit $code";
    desk.run(script).ends(1, &["x.yaml is too large: a spec has 64 KiB at most"]);
    assert!(fs::metadata(desk.path().join("x.yaml")).unwrap().len() > LIMIT as u64 + 1, "it did not grow");
}

#[test]
fn a_name_of_a_file_never_speaks_to_the_terminal() {
    let desk =
        Desk::new().with("\u{1b}]0;x\u{7}.yaml", format!("nmae: x{}", others("name"))).with("\u{9b}2J.yaml", [0xff]);
    desk.validate(".").ends(1, &["\\u{1b}]0;x\\u{7}.yaml:1:1", "\\u{9b}2J.yaml is not UTF-8"]);
}
