#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::io::{Cursor, Read, Write};
use std::path::Path;

use contract::{CA_FILE, Connection, Login, PUBLIC_CA_FILE, Target, Tls};
use plan::spec::{self, Architecture, Spec};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, System, ZipArchive, ZipWriter};

use super::ca::{self, CaError, MAX_CA};
use super::package::{MAX_UNPACKED, MAX_ZIP, Machine, PackageError, code_sha256, inspect, pack, with_file};
use super::{Error, Origin, Package, embedded, for_spec, from_file, with_ca, with_roots};

const X86: u16 = 62;
const ARM: u16 = 183;
const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";
const SCRIPT: &[u8] = b"#!/bin/sh\n";

type Versions = &'static [(&'static str, u16)];

/// The least that the checks take for a binary, with one thing after the other made wrong.
struct Binary {
    machine: u16,
    kind: u16,
    interpreter: Option<&'static str>,
    /// Name and flags.
    versions: Versions,
}

impl Default for Binary {
    fn default() -> Self {
        let versions = &[("GLIBC_2.2.5", 0), ("GLIBC_2.34", 0), ("GLIBC_2.9", 0), ("GLIBC_PRIVATE", 0), ("GCC_3.0", 0)];
        Self { machine: X86, kind: 3, interpreter: Some(LOADER), versions }
    }
}

impl Binary {
    /// Header, three program headers, then what these point at; all of it is one loaded segment at `BASE`.
    fn bytes(&self) -> Vec<u8> {
        const BASE: usize = 0x10000;
        let interpreter = self.interpreter.map(|name| [name.as_bytes(), &[0]].concat()).unwrap_or_default();
        let at_interpreter = 64 + 3 * 56;
        let at_needs = (at_interpreter + interpreter.len()).next_multiple_of(8);
        let needs_size = if self.versions.is_empty() { 0 } else { 16 + 16 * self.versions.len() };
        let at_strings = at_needs + needs_size;
        let mut strings = vec![0];
        let mut needs = Vec::new();
        for (index, (name, flags)) in self.versions.iter().enumerate() {
            if index == 0 {
                half(&mut needs, &[1, self.versions.len()]);
                word(&mut needs, &[0, 16, 0]);
            }
            word(&mut needs, &[0]);
            half(&mut needs, &[usize::from(*flags), 2]);
            word(&mut needs, &[strings.len(), if index + 1 == self.versions.len() { 0 } else { 16 }]);
            strings.extend_from_slice(name.as_bytes());
            strings.push(0);
        }
        let at_dynamic = (at_strings + strings.len()).next_multiple_of(8);
        let mut dynamic = Vec::new();
        if !self.versions.is_empty() {
            long(&mut dynamic, &[0x6fff_fffe, BASE + at_needs, 5, BASE + at_strings, 10, strings.len(), 0, 0]);
        }
        let size = at_dynamic + dynamic.len();

        let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
        half(&mut file, &[usize::from(self.kind), usize::from(self.machine)]);
        word(&mut file, &[1]);
        long(&mut file, &[BASE, 64, 0]);
        word(&mut file, &[0]);
        half(&mut file, &[64, 56, 3, 64, 0, 0]);
        let interpreter_kind = if interpreter.is_empty() { 0 } else { 3 };
        let dynamic_kind = if dynamic.is_empty() { 0 } else { 2 };
        for (kind, offset, length) in [
            (1, 0, size),
            (interpreter_kind, at_interpreter, interpreter.len()),
            (dynamic_kind, at_dynamic, dynamic.len()),
        ] {
            word(&mut file, &[kind, 5]);
            long(&mut file, &[offset, BASE + offset, BASE + offset, length, length, 8]);
        }
        for (offset, part) in
            [(at_interpreter, interpreter), (at_needs, needs), (at_strings, strings), (at_dynamic, dynamic)]
        {
            file.resize(offset, 0);
            file.extend(part);
        }
        file
    }
}

fn half(to: &mut Vec<u8>, values: &[usize]) {
    to.extend(values.iter().flat_map(|value| u16::try_from(*value).unwrap().to_le_bytes()));
}

fn word(to: &mut Vec<u8>, values: &[usize]) {
    to.extend(values.iter().flat_map(|value| u32::try_from(*value).unwrap().to_le_bytes()));
}

fn long(to: &mut Vec<u8>, values: &[usize]) {
    to.extend(values.iter().flat_map(|value| (*value as u64).to_le_bytes()));
}

/// Of files that are stored as they are.
fn zip_of(files: &[(&str, &[u8], u32)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content, mode) in files {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .system(System::Unix)
            .unix_permissions(*mode);
        zip.start_file(*name, options).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Where the first entry of the zip's directory begins.
fn directory(zip: &[u8]) -> usize {
    zip.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap()
}

/// A script's zip, with bytes of its directory entry overwritten.
fn patched(offset: usize, bytes: &[u8]) -> Vec<u8> {
    let mut zip = pack(SCRIPT).unwrap();
    let at = directory(&zip) + offset;
    zip[at..at + bytes.len()].copy_from_slice(bytes);
    zip
}

/// A script's zip whose directory lists the one entry twice, the second time under that name.
fn listed_twice(name: &[u8; 9]) -> Vec<u8> {
    let mut zip = pack(SCRIPT).unwrap();
    let start = directory(&zip);
    let end = zip.len() - 22;
    let mut entry = zip[start..end].to_vec();
    entry[46..55].copy_from_slice(name);
    let size = u32::try_from(2 * entry.len()).unwrap().to_le_bytes();
    zip.splice(end..end, entry);
    let tail = zip.len() - 22;
    zip[tail + 8..tail + 12].copy_from_slice(&[2, 0, 2, 0]);
    zip[tail + 12..tail + 16].copy_from_slice(&size);
    zip
}

fn refusal(zip: &[u8]) -> String {
    inspect(zip, Machine::X86_64).unwrap_err().to_string()
}

fn refusal_of(program: &[u8]) -> String {
    refusal(&pack(program).unwrap())
}

fn refusal_of_mode(mode: u32) -> String {
    refusal(&patched(38, &mode_field(mode)))
}

fn mode_field(mode: u32) -> [u8; 4] {
    (mode << 16).to_le_bytes()
}

#[test]
fn packing_twice_gives_the_same_bytes() {
    let binary = Binary::default().bytes();
    assert_eq!(pack(&binary).unwrap(), pack(&binary).unwrap());
}

#[test]
fn a_package_is_one_executable_file_of_1980() {
    let mut archive = ZipArchive::new(Cursor::new(pack(SCRIPT).unwrap())).unwrap();
    assert_eq!(archive.len(), 1);
    let mut file = archive.by_name("bootstrap").unwrap();
    assert_eq!(file.unix_mode(), Some(0o100_755));
    assert_eq!(file.system(), System::Unix);
    assert_eq!(file.compression(), CompressionMethod::Deflated);
    assert_eq!(file.last_modified(), Some(DateTime::from_date_and_time(1980, 1, 1, 0, 0, 0).unwrap()));
    assert_eq!(file.extra_data().unwrap_or_default(), b"");
    let mut content = Vec::new();
    file.read_to_end(&mut content).unwrap();
    assert_eq!(content, SCRIPT);
}

#[test]
fn the_hash_is_as_lambda_writes_it() {
    assert_eq!(code_sha256(b""), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}

#[test]
fn what_lambda_can_run_is_accepted() {
    let arm = Binary { machine: ARM, interpreter: Some("/lib/ld-linux-aarch64.so.1"), ..Binary::default() };
    let linked_statically = Binary { kind: 2, interpreter: None, versions: &[], ..Binary::default() };
    for (program, machine) in [
        (Binary::default().bytes(), Machine::X86_64),
        (arm.bytes(), Machine::Arm64),
        (linked_statically.bytes(), Machine::X86_64),
        (SCRIPT.to_vec(), Machine::Arm64),
    ] {
        assert_eq!(inspect(&pack(&program).unwrap(), machine), Ok(()));
    }
    // With company and uncompressed; read-only; and as Python's zipfile writes it, with no kind in the mode.
    let company = zip_of(&[("lib/", b"", 0o755), ("lib/notes", b"text", 0o644), ("bootstrap", SCRIPT, 0o755)]);
    assert_eq!(inspect(&company, Machine::X86_64), Ok(()));
    assert_eq!(inspect(&patched(38, &mode_field(0o100_555)), Machine::X86_64), Ok(()));
    assert_eq!(inspect(&patched(38, &mode_field(0o755)), Machine::X86_64), Ok(()));
}

#[test]
fn a_weak_version_is_not_needed() {
    let weak = Binary { versions: &[("GLIBC_2.39", 2), ("GLIBC_2.17", 0)], ..Binary::default() };
    assert_eq!(inspect(&pack(&weak.bytes()).unwrap(), Machine::X86_64), Ok(()));
}

#[test]
fn a_newer_c_library_is_refused() {
    let newer: [(Versions, &str); 3] = [
        (&[("GLIBC_2.4", 0), ("GLIBC_2.39", 0), ("GLIBC_2.35", 0)], "GLIBC_2.39"),
        (&[("GLIBC_3.0", 0)], "GLIBC_3.0"),
        (&[("GLIBC_2.35", 0), ("GLIBC_ABI_DT_RELR", 0)], "GLIBC_ABI_DT_RELR"),
    ];
    for (versions, found) in newer {
        assert_eq!(
            refusal_of(&Binary { versions, ..Binary::default() }.bytes()),
            format!(
                "the binary needs {found}, but provided.al2023 has 2.34: \
                 build it with `cargo zigbuild --target x86_64-unknown-linux-gnu.2.34`"
            )
        );
    }
    let arm = Binary { machine: ARM, interpreter: None, versions: &[("GLIBC_2.36", 0)], ..Binary::default() };
    assert_eq!(
        inspect(&pack(&arm.bytes()).unwrap(), Machine::Arm64),
        Err(PackageError::Glibc { needed: "GLIBC_2.36".to_owned(), wanted: Machine::Arm64 })
    );
}

#[test]
fn another_machine_is_refused() {
    assert_eq!(
        refusal_of(&Binary { machine: ARM, ..Binary::default() }.bytes()),
        "the binary is for arm64, but the function is x86_64: \
         build it for x86_64, or set `function.architecture: arm64`"
    );
    assert_eq!(
        inspect(&pack(&Binary::default().bytes()).unwrap(), Machine::Arm64),
        Err(PackageError::Architecture { found: Machine::X86_64, wanted: Machine::Arm64 })
    );
    assert_eq!(
        refusal_of(&Binary { machine: 243, ..Binary::default() }.bytes()),
        "the binary is for a machine that Lambda has not (ELF number 243): build it for x86_64-unknown-linux-gnu"
    );
    for (offset, value, found) in [(4, 1, "32-bit"), (5, 2, "big-endian")] {
        let mut binary = Binary::default().bytes();
        binary[offset] = value;
        assert_eq!(
            refusal_of(&binary),
            format!(
                "the binary is {found}, but the function is x86_64, which is 64-bit and little-endian: \
                 build it for x86_64-unknown-linux-gnu"
            )
        );
    }
}

#[test]
fn a_loader_that_amazon_linux_has_not_is_refused() {
    assert_eq!(
        refusal_of(&Binary { interpreter: Some("/lib/ld-musl-x86_64.so.1"), ..Binary::default() }.bytes()),
        "the binary is started by \"/lib/ld-musl-x86_64.so.1\", but provided.al2023 has only \
         /lib64/ld-linux-x86-64.so.2: link it statically (`-C target-feature=+crt-static` with \
         x86_64-unknown-linux-musl), or build it for x86_64-unknown-linux-gnu"
    );
    assert_eq!(
        refusal_of(&Binary { interpreter: Some("/nix/store/x-glibc/ld.so"), ..Binary::default() }.bytes()),
        "the binary is started by \"/nix/store/x-glibc/ld.so\", but provided.al2023 has only \
         /lib64/ld-linux-x86-64.so.2: build it for x86_64-unknown-linux-gnu"
    );
}

#[test]
fn what_is_no_executable_is_refused() {
    for (kind, found) in [(1, "an object file"), (4, "a core dump"), (9, "of an unknown kind")] {
        assert_eq!(
            refusal_of(&Binary { kind, ..Binary::default() }.bytes()),
            format!("the binary is {found}, but Lambda wants an executable: put the linker's output into the zip")
        );
    }
    for (program, found) in [
        (b"" as &[u8], "empty"),
        (b"MZ\x90", "a Windows binary"),
        (b"\xcf\xfa\xed\xfe", "a macOS binary"),
        (b"PK\x03\x04", "itself a zip"),
        (b"echo", "neither a binary nor a script"),
    ] {
        assert_eq!(
            refusal_of(program),
            format!(
                "`bootstrap` is {found}, but Lambda wants a Linux binary or a script that begins with `#!`: \
                 build it for x86_64-unknown-linux-gnu"
            )
        );
    }
    assert!(matches!(
        inspect(&pack(b"\x7fELF\x02\x01\x01").unwrap(), Machine::X86_64),
        Err(PackageError::CorruptBinary(_))
    ));
}

#[test]
fn a_bootstrap_that_is_not_at_the_root_is_refused() {
    assert_eq!(
        refusal(&zip_of(&[("target/lambda/bootstrap", SCRIPT, 0o755)])),
        "the zip has no `bootstrap` at its root (only in a folder), but that is what Lambda starts: \
         zip the file without its folder, with `zip -j function.zip path/to/bootstrap`"
    );
    assert_eq!(
        refusal(&zip_of(&[("rotator", SCRIPT, 0o755)])),
        "the zip has no `bootstrap` at its root, but that is what Lambda starts: \
         zip the file without its folder, with `zip -j function.zip path/to/bootstrap`"
    );
}

#[test]
fn a_mode_that_lambda_cannot_start_is_refused() {
    let not_executable = |found: &str| {
        format!(
            "`bootstrap` has {found} in the zip, but Lambda wants 0755, readable and executable by everyone: \
             `chmod 755` it before it is zipped, on Linux or macOS"
        )
    };
    assert_eq!(refusal_of_mode(0o100_644), not_executable("mode 0644"));
    assert_eq!(refusal_of_mode(0o100_750), not_executable("mode 0750"));
    assert_eq!(refusal_of_mode(0o100_711), not_executable("mode 0711"));
    assert_eq!(refusal_of_mode(0), not_executable("no mode"));
    // Made on Windows: whatever the upper bits say, they are no mode.
    let mut windows = pack(SCRIPT).unwrap();
    let at = directory(&windows);
    windows[at + 5] = 0;
    assert_eq!(refusal(&windows), not_executable("mode 0664"));

    for (kind, found) in [(0o040_755, "a folder"), (0o120_777, "a symbolic link"), (0o020_755, "a special file")] {
        assert_eq!(
            refusal_of_mode(kind),
            format!(
                "`bootstrap` is {found} in the zip, but Lambda wants a regular file: put the binary itself into the zip"
            )
        );
    }
    assert!(refusal(&zip_of(&[("bootstrap/", b"", 0o755)])).starts_with("`bootstrap` is a folder"));
}

#[test]
fn what_is_too_large_is_refused() {
    assert_eq!(
        refusal(&vec![0; MAX_ZIP + 1]),
        "the zip has 52428801 bytes, but Lambda takes at most 52428800 in one call: \
         strip the binary, or build it with `opt-level = \"z\"` and `lto = \"fat\"`"
    );
    let beyond = u32::try_from(MAX_UNPACKED + 1).unwrap();
    assert_eq!(
        refusal(&patched(24, &beyond.to_le_bytes())),
        "the files in the zip have 262144001 bytes, but Lambda takes at most 262144000 unpacked: \
         leave out what the function does not need, and strip the binary"
    );
    assert_eq!(
        refusal(&b"PK\x01\x02".repeat(65_536)),
        "the zip lists 65536 files, but at most 65535 are read: the function needs `bootstrap` alone"
    );
}

#[test]
fn a_directory_that_lies_is_refused() {
    // More was packed than is declared, as in a bomb; less; and the checksum of something else.
    for declared in [1_u32, 11, 1_000_000] {
        let error = inspect(&patched(24, &declared.to_le_bytes()), Machine::X86_64).unwrap_err();
        assert!(matches!(error, PackageError::WrongSize { .. } | PackageError::Corrupt(_)), "{declared}: {error}");
    }
    assert!(matches!(inspect(&patched(16, &[1, 2, 3, 4]), Machine::X86_64), Err(PackageError::Corrupt(_))));
    assert_eq!(inspect(&listed_twice(b"bootstrap"), Machine::X86_64), Err(PackageError::Duplicate));
    assert_eq!(inspect(&listed_twice(b"bootstrab"), Machine::X86_64), Err(PackageError::Overlapping));
}

#[test]
fn what_lambda_cannot_unpack_is_refused() {
    assert_eq!(
        refusal(&patched(10, &[12, 0])),
        "file 1 of the zip is compressed by bzip2, but Lambda unpacks deflate alone: make the zip without that option"
    );
    assert_eq!(
        refusal(&patched(8, &[1])),
        "file 1 of the zip is encrypted, but Lambda has no password: make the zip without one"
    );
    assert!(refusal(b"\x1f\x8b\x08 a gzip").starts_with("this is not a zip that can be read ("));
    assert!(refusal(b"").starts_with("this is not a zip that can be read ("));
}

#[test]
fn a_name_that_leads_outside_is_refused() {
    for name in ["../../etc/passwd", "/etc/passwd", "lib/../../x"] {
        assert_eq!(
            refusal(&zip_of(&[("bootstrap", SCRIPT, 0o755), (name, b"", 0o644)])),
            "file 2 of the zip would be unpacked outside the function's folder: make the zip with relative names"
        );
    }
}

#[test]
fn no_damage_makes_the_inspection_panic() {
    let binary = Binary::default().bytes();
    let company = zip_of(&[("lib/cAnArY", b"cAnArY", 0o644), ("bootstrap", &binary, 0o755)]);
    for whole in [pack(&binary).unwrap(), company] {
        for length in 0..whole.len() {
            assert!(inspect(&whole[..length], Machine::X86_64).is_err(), "cut at {length}");
        }
        for at in 0..whole.len() {
            for value in [whole[at] ^ 1, whole[at] ^ 0x80, !whole[at], 0, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] = value;
                if let Err(error) = inspect(&damaged, Machine::X86_64) {
                    assert!(!format!("{error:?}{error}").contains("cAnArY"), "{error}");
                }
            }
        }
    }
    // The same to the binary inside, behind a checksum that is right.
    for length in 0..binary.len() {
        let _ = inspect(&pack(&binary[..length]).unwrap(), Machine::X86_64);
    }
    for at in 0..binary.len() {
        for value in [binary[at] ^ 1, binary[at] ^ 0x80, 0, 0xff] {
            let mut damaged = binary.clone();
            damaged[at] = value;
            let _ = inspect(&pack(&damaged).unwrap(), Machine::X86_64);
        }
    }
}

#[test]
fn versions_that_point_at_each_other_come_to_an_end() {
    const RECORDS: usize = 400;
    let mut binary = Binary { versions: &[("GLIBC_2.2.5", 0); RECORDS], ..Binary::default() }.bytes();
    // Each record is a library and also a version of every library before it, so that the visits are their square.
    let needs = (64 + 3 * 56 + LOADER.len() + 1_usize).next_multiple_of(8);
    for at in (needs..needs + RECORDS * 16).step_by(16) {
        binary[at..at + 16].copy_from_slice(&[1, 0, 0xff, 0xff, 0, 0, 0, 0, 16, 0, 0, 0, 16, 0, 0, 0]);
    }
    assert_eq!(
        refusal_of(&binary),
        "the binary cannot be read (its table of symbol versions is broken): build it again"
    );
}

/// A binary that no one made by hand: the system's shell. Its own C library may be newer than Lambda's.
#[cfg(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64"))]
#[test]
fn a_real_binary_is_understood() {
    let mut program = std::fs::read("/bin/sh").unwrap();
    match inspect(&zip_of(&[("bootstrap", &program, 0o755)]), Machine::X86_64) {
        Ok(()) | Err(PackageError::Glibc { .. }) => {}
        Err(error) => panic!("{error}"),
    }
    program[18..20].copy_from_slice(&ARM.to_le_bytes());
    let refused = refusal(&zip_of(&[("bootstrap", &program, 0o755)]));
    assert!(refused.starts_with("the binary is for arm64, but"), "{refused}");
}

const WALK_THROUGH: &str = include_str!("../../../config/myapp.yaml");

fn spec(architecture: Architecture, package: Option<&str>) -> Spec {
    let mut spec = spec::load("myapp.yaml", WALK_THROUGH).unwrap().spec;
    spec.function.architecture = architecture;
    spec.function.package = package.map(Into::into);
    spec
}

#[test]
fn a_package_of_ones_own_is_found_beside_the_spec_and_hashed() {
    let folder = tempfile::tempdir().unwrap();
    let zip = pack(&Binary::default().bytes()).unwrap();
    std::fs::write(folder.path().join("own.zip"), &zip).unwrap();
    let package = for_spec(&spec(Architecture::X86_64, Some("own.zip")), folder.path()).unwrap();
    assert_eq!(package.bytes, zip);
    assert_eq!(package.code_sha256, code_sha256(&zip));
    assert_eq!(package.origin, Origin::File(folder.path().join("own.zip")));

    let error = for_spec(&spec(Architecture::Arm64, Some("own.zip")), folder.path()).unwrap_err().to_string();
    let path = folder.path().join("own.zip").display().to_string();
    assert_eq!(
        error,
        format!(
            "{path}: the binary is for x86_64, but the function is arm64: \
             build it for arm64, or set `function.architecture: x86_64`"
        )
    );
}

#[test]
fn a_package_that_cannot_be_read_says_which_and_why() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.zip");
    let error = from_file(&missing, Architecture::X86_64).unwrap_err().to_string();
    assert!(error.starts_with(&format!("{}: ", missing.display())), "{error}");
    assert_eq!(
        from_file(folder.path(), Architecture::X86_64).unwrap_err().to_string(),
        format!("{}: this is not a file, but function.package wants a zip", folder.path().display())
    );
}

#[test]
fn a_package_that_is_too_large_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huge.zip");
    // A terabyte of nothing: reading it would not end.
    std::fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
    let Err(Error::Refused { error, .. }) = from_file(&path, Architecture::X86_64) else { panic!("was accepted") };
    assert_eq!(error, PackageError::TooLarge { size: 1 << 40 });
}

#[test]
fn the_embedded_package_is_runnable_or_said_to_be_absent() {
    for (architecture, machine) in [(Architecture::X86_64, Machine::X86_64), (Architecture::Arm64, Machine::Arm64)] {
        match for_spec(&spec(architecture, None), Path::new("/nowhere")) {
            Ok(package) => {
                assert_eq!(package.origin, Origin::Embedded);
                assert_eq!(package.code_sha256, code_sha256(&package.bytes));
                assert_eq!(inspect(&package.bytes, machine), Ok(()));
                assert_eq!(package, embedded(architecture).unwrap());
            }
            Err(error) => assert_eq!(
                error.to_string(),
                format!(
                    "this build of deploy carries no rotator for {machine}: \
                     build it with `make build`, or set function.package"
                )
            ),
        }
    }
}

/// A spec whose target's certificate is verified, by that file or else by AWS's roots.
fn verified(package: Option<&str>, ca: Option<&str>) -> Spec {
    let mut spec = spec(Architecture::X86_64, package);
    spec.target = Target::Postgres(Login::default());
    spec.ca = ca.map(Into::into);
    spec
}

/// What a deployer carries, whether this build does or not.
fn carried() -> Package {
    let zip = pack(&Binary::default().bytes()).unwrap();
    Package { code_sha256: code_sha256(&zip), bytes: zip.into(), origin: Origin::Embedded }
}

/// One root.
fn root() -> String {
    let roots = ca::of_rds("eu-central-1");
    roots[..roots.find("-----END CERTIFICATE-----\n").unwrap()].to_owned() + "-----END CERTIFICATE-----\n"
}

fn regions_of(roots: &str) -> BTreeSet<&str> {
    roots.lines().filter_map(|line| line.strip_prefix("# ")?.split(':').next()).collect()
}

fn count_of(roots: &str) -> usize {
    roots.matches("-----BEGIN CERTIFICATE-----").count()
}

#[test]
fn certificates_are_one_more_file_that_everyone_may_read() {
    let package = with_ca(&carried(), CA_FILE, b"roots").unwrap();
    let mut archive = ZipArchive::new(Cursor::new(&package.bytes)).unwrap();
    assert_eq!(archive.file_names().map(Result::unwrap).collect::<Vec<_>>(), ["bootstrap", "ca.pem"]);
    assert_eq!(archive.by_name("bootstrap").unwrap().unix_mode(), Some(0o100_755));
    let mut file = archive.by_name(CA_FILE).unwrap();
    assert_eq!(file.unix_mode(), Some(0o100_644));
    assert_eq!(file.system(), System::Unix);
    assert_eq!(file.last_modified(), Some(DateTime::DEFAULT));
    assert_eq!(file.extra_data().unwrap_or_default(), b"");
    let mut content = Vec::new();
    file.read_to_end(&mut content).unwrap();
    assert_eq!(content, b"roots");
    drop(file);
    assert_eq!(inspect(&package.bytes, Machine::X86_64), Ok(()));
    assert_eq!(package.code_sha256, code_sha256(&package.bytes));
    assert_eq!(package.origin, Origin::Embedded);
}

#[test]
fn adding_certificates_twice_gives_the_same_bytes_and_leaves_the_binary_s_own_as_they_are() {
    let carried = carried();
    let with = with_ca(&carried, CA_FILE, root().as_bytes()).unwrap();
    assert_eq!(with, with_ca(&carried, CA_FILE, root().as_bytes()).unwrap());
    let end = directory(&carried.bytes);
    assert_eq!(with.bytes[..end], carried.bytes[..end]);
    assert_ne!(with.code_sha256, with_ca(&carried, CA_FILE, b"other").unwrap().code_sha256);
}

fn files_of(package: &Package) -> Vec<String> {
    let archive = ZipArchive::new(Cursor::new(&package.bytes)).unwrap();
    archive.file_names().map(|name| name.unwrap().to_string()).collect()
}

fn text_of(package: &Package, name: &str) -> String {
    let mut text = String::new();
    let mut archive = ZipArchive::new(Cursor::new(&package.bytes)).unwrap();
    archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
    text
}

#[test]
fn only_a_target_that_is_verified_gets_certificates() {
    let off = Login { tls: Tls::Off, ..Login::default() };
    let carried = embedded(Architecture::X86_64);
    for (target, is_verified) in [
        (Target::None, false),
        (Target::Postgres(off.clone()), false),
        (Target::Mysql(off.clone()), false),
        (Target::Redis(off), false),
        (Target::Postgres(Login::default()), true),
        (Target::Mysql(Login::default()), true),
        (Target::Redis(Login::default()), true),
    ] {
        let mut spec = spec(Architecture::X86_64, None);
        spec.target = target;
        let Ok(carried) = &carried else {
            assert!(matches!(for_spec(&spec, Path::new("/nowhere")), Err(Error::NoRotator(_))));
            continue;
        };
        let expected =
            if is_verified { with_roots(carried, &spec, Path::new("/nowhere")).unwrap() } else { carried.clone() };
        assert_eq!(for_spec(&spec, Path::new("/nowhere")).unwrap(), expected);
    }
}

#[test]
fn public_roots_are_in_the_package_only_where_the_host_may_need_them() {
    let of = |host: Option<&str>| {
        let mut spec = verified(None, None);
        let connection =
            host.map(|host| Connection { host: host.to_owned(), port: None, username: "app".to_owned(), dbname: None });
        spec.target = Target::Postgres(Login { connection, ..Login::default() });
        (with_roots(&carried(), &spec, Path::new("/nowhere")).unwrap(), spec.region)
    };
    for (host, files) in [
        (Some("db.cexample.us-east-1.rds.amazonaws.com"), &["bootstrap", "ca.pem"][..]),
        (Some("db.example.com"), &["bootstrap", "ca.pem"]),
        (Some("shop.proxy-cexample.us-east-1.rds.amazonaws.com"), &["bootstrap", "ca.pem", "public-ca.pem"]),
        (Some("shop.proxy-cexample.us-east-1.rds.amazonaws.com.evil.example"), &["bootstrap", "ca.pem"]),
        (Some("master.shop.cexample.use1.cache.amazonaws.com"), &["bootstrap", "ca.pem", "public-ca.pem"]),
        (None, &["bootstrap", "ca.pem", "public-ca.pem"]),
    ] {
        let (package, region) = of(host);
        assert_eq!(files_of(&package), files, "{host:?}");
        assert_eq!(text_of(&package, CA_FILE), ca::of_rds(&region), "{host:?}");
        if files.len() == 3 {
            assert_eq!(text_of(&package, PUBLIC_CA_FILE), ca::public(), "{host:?}");
        }
        assert_eq!(package, of(host).0, "the same bytes each time");
        assert_eq!(inspect(&package.bytes, Machine::X86_64), Ok(()));
    }
}

#[test]
fn certificates_of_ones_own_are_the_only_ones() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("own.crt"), root()).unwrap();
    let package = with_roots(&carried(), &verified(None, Some("own.crt")), folder.path()).unwrap();
    assert_eq!(files_of(&package), ["bootstrap", "ca.pem"]);
    assert_eq!(text_of(&package, CA_FILE), root());
}

#[test]
fn a_region_s_roots_are_amazon_s_three_and_no_public_one() {
    for region in ["us-east-1", "eu-central-1", "me-central-1"] {
        let roots = ca::of_rds(region);
        assert_eq!(regions_of(&roots), BTreeSet::from([region]));
        assert_eq!(count_of(&roots), 3);
        for kind in ["RSA2048", "RSA4096", "ECC384"] {
            assert!(roots.contains(&format!("Amazon RDS {region} Root CA {kind} G1, until ")), "{region} {kind}");
        }
        assert_eq!(ca::check(roots.as_bytes()), Ok(()));
        assert!(roots.ends_with("-----END CERTIFICATE-----\n"));
    }
}

#[test]
fn the_public_roots_are_amazon_s_own() {
    let roots = ca::public();
    assert_eq!((regions_of(&roots), count_of(&roots)), (BTreeSet::from(["public"]), 5));
    let names: Vec<&str> = roots.lines().filter_map(|line| line.strip_prefix("# public: ")).collect();
    assert!(
        names.iter().all(|name| name.starts_with("Amazon Root CA ") || name.starts_with("Starfield ")),
        "{names:?}"
    );
    assert_eq!(ca::check(roots.as_bytes()), Ok(()));
}

#[test]
fn a_region_without_roots_of_its_own_gets_those_of_all() {
    let all = ca::of_rds("us-gov-west-1");
    assert_eq!(all, ca::of_rds("xx-nowhere-1"));
    // A part of a region's name is no region, and the public ones are of none.
    assert_eq!(all, ca::of_rds("us-east"));
    assert_eq!(all, ca::of_rds("publi"));
    let regions = regions_of(&all);
    assert_eq!((regions.len(), count_of(&all)), (27, 81));
    assert!(!regions.contains("public") && regions.contains("eu-west-3"));
    assert_eq!(ca::check(all.as_bytes()), Ok(()));
}

#[test]
fn every_root_is_good_for_years_and_says_so() {
    let all = ca::of_rds("us-gov-west-1") + &ca::public();
    let years: Vec<u16> = all
        .lines()
        .filter_map(|line| line.strip_prefix("# ")?.rsplit_once(", until "))
        .map(|(_, until)| until[..4].parse().unwrap())
        .collect();
    assert_eq!(years.len(), count_of(&all));
    assert!(years.iter().all(|&year| year >= 2037), "{years:?}");
}

#[test]
fn certificates_of_ones_own_are_found_beside_the_spec() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("own.crt"), root()).unwrap();
    match (for_spec(&verified(None, Some("own.crt")), folder.path()), embedded(Architecture::X86_64)) {
        (Ok(package), Ok(carried)) => assert_eq!(package, with_ca(&carried, CA_FILE, root().as_bytes()).unwrap()),
        (package, carried) => {
            assert!(matches!(package, Err(Error::NoRotator(_))), "{package:?}");
            assert!(carried.is_err());
        }
    }
}

#[test]
fn what_nothing_can_be_trusted_by_is_refused() {
    let ends = |label: &str| format!("-----BEGIN {label}-----\nY2FuYXJ5\n-----END {label}-----\n");
    for (pem, refusal) in [
        (String::new(), CaError::NoCertificate),
        ("canary".to_owned(), CaError::NoCertificate),
        (ends("PUBLIC KEY"), CaError::NoCertificate),
        (ends("CERTIFICATE"), CaError::Broken(1)),
        (root() + &ends("CERTIFICATE"), CaError::Broken(2)),
        (root() + "-----BEGIN CERTIFICATE-----\nY2FuYXJ5\n", CaError::Broken(2)),
        (root() + &root().replace("-----END CERTIFICATE-----", "-----END canary-----"), CaError::Broken(2)),
        (root() + &" ".repeat(usize::try_from(MAX_CA).unwrap()), CaError::TooLarge),
    ] {
        assert_eq!(ca::check(pem.as_bytes()), Err(refusal), "{pem}");
        assert!(!refusal.to_string().contains("canary"));
    }
}

#[test]
fn a_private_key_of_any_kind_never_gets_into_a_package() {
    for kind in ["", "RSA ", "EC ", "DSA ", "ENCRYPTED ", "OPENSSH ", "ANY "] {
        let key = format!("-----BEGIN {kind}PRIVATE KEY-----\nY2FuYXJ5\n-----END {kind}PRIVATE KEY-----\n");
        for pem in [key.clone(), root() + &key, key + &root()] {
            assert_eq!(ca::check(pem.as_bytes()), Err(CaError::PrivateKey), "{kind}");
        }
    }
}

#[test]
fn a_refused_file_of_certificates_is_named_and_not_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &str| std::fs::write(folder.path().join(name), content).unwrap();
    write("key.pem", &(root() + "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5\n-----END PRIVATE KEY-----\n"));
    std::fs::create_dir(folder.path().join("folder")).unwrap();
    std::fs::File::create(folder.path().join("huge")).unwrap().set_len(1 << 40).unwrap();
    for (name, refusal) in [
        ("key.pem", CaError::PrivateKey.to_string()),
        ("folder", "this is not a file, but the target's `tls.ca` wants a file of certificates".to_owned()),
        ("huge", CaError::TooLarge.to_string()),
    ] {
        let error = super::certificates(&folder.path().join(name)).unwrap_err().to_string();
        assert_eq!(error, format!("{}: {refusal}", folder.path().join(name).display()));
        assert!(!error.contains("Y2FuYXJ5"));
    }
    assert!(matches!(super::certificates(&folder.path().join("absent")), Err(Error::Read { .. })));
}

#[test]
fn a_refused_package_is_named_and_not_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.zip");
    let binary = Binary::default().bytes();
    let bad = |name: &str| zip_of(&[("bootstrap", &binary, 0o755), (name, b"cAnArY", 0o644)]);
    let mut encrypted = bad("cAnArY");
    let second = encrypted.windows(4).rposition(|bytes| bytes == b"PK\x01\x02").unwrap();
    encrypted[second + 8] = 1;
    let mut packed = bad("cAnArY");
    packed[second + 10] = 12;
    for zip in [
        b"[default]\naws_secret_access_key = cAnArY\n".to_vec(),
        b"PK\x03\x04cAnArY".to_vec(),
        bad("../cAnArY"),
        bad("/cAnArY"),
        encrypted,
        packed,
        zip_of(&[("cAnArY/bootstrap", &binary, 0o755)]),
        zip_of(&[("cAnArY", &binary, 0o755)]),
        zip_of(&[("bootstrap", b"cAnArY", 0o755)]),
        bad("cAnArY")[..200].to_vec(),
    ] {
        std::fs::write(&path, zip).unwrap();
        let error = from_file(&path, Architecture::X86_64).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("cAnArY"), "{error:?}");
    }
}

#[test]
fn a_pipe_and_a_device_are_no_package_and_are_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    std::os::unix::fs::symlink("pipe", folder.path().join("link")).unwrap();
    for path in [pipe.clone(), folder.path().join("link"), "/dev/zero".into(), folder.path().to_owned()] {
        for error in [from_file(&path, Architecture::X86_64).unwrap_err(), super::certificates(&path).unwrap_err()] {
            assert!(matches!(error, Error::NotAFile { .. }), "{error}");
        }
    }
}

#[test]
fn a_package_of_ones_own_is_taken_with_its_certificates_and_not_without() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.zip");
    let zip = pack(&Binary::default().bytes()).unwrap();
    let of = |zip: &[u8]| {
        std::fs::write(&path, zip).unwrap();
        for_spec(&verified(Some("own.zip"), None), folder.path())
    };
    let with = with_file(&zip, CA_FILE, root().as_bytes()).unwrap();
    let package = of(&with).unwrap();
    assert_eq!((package.bytes, package.origin), (with.into(), Origin::File(path.clone())));

    let binary = Binary::default().bytes();
    let with_mode = |name, mode| zip_of(&[("bootstrap", &binary, 0o755), (name, root().as_bytes(), mode)]);
    // As Python's zipfile makes it from text: only the owner may read, and the function is not the owner.
    for lacking in [zip.clone(), with_mode("certificates/ca.pem", 0o644), with_mode("ca.pem", 0o600)] {
        assert_eq!(
            of(&lacking).unwrap_err().to_string(),
            format!(
                "{}: the zip has no ca.pem at its root that everyone may read (0644), but the target's \
                 `tls: verify-full` needs one: put the certificates that it is trusted by there, with \
                 `zip -j function.zip path/to/ca.pem`",
                path.display()
            )
        );
    }
    let error = of(&with_file(&zip, CA_FILE, b"canary").unwrap()).unwrap_err().to_string();
    assert_eq!(error, format!("{}: {}", path.join("ca.pem").display(), CaError::NoCertificate));

    // Nothing is verified, so nothing is needed.
    std::fs::write(&path, &zip).unwrap();
    assert_eq!(for_spec(&spec(Architecture::X86_64, Some("own.zip")), folder.path()).unwrap().bytes, zip);
}

#[test]
fn certificates_that_would_be_left_out_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let error = for_spec(&verified(Some("own.zip"), Some("own.crt")), folder.path()).unwrap_err().to_string();
    let path = folder.path().join("own.zip").display().to_string();
    assert_eq!(
        error,
        format!(
            "{path}: function.package is taken as it is, so that the file under the target's `tls.ca` would be left out: \
             put it into the zip as ca.pem, and set `tls: verify-full`"
        )
    );
}
