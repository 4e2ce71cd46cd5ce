//! The fuzz targets' corpora as ordinary tests: what was found once stays found.

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use cloakroom_bff::fuzzing::{TARGETS, known_states};

/// The corpus folders, and the programs that drive the targets.
fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    assert!(folder.is_dir(), "{} is missing", folder.display());
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect()
}

#[test]
fn every_corpus_holds_what_is_accepted_and_what_is_refused() {
    let mut failed = Vec::new();
    for (name, target) in TARGETS {
        let mut answers = BTreeSet::new();
        for path in files(&folder("tests/corpus").join(name)) {
            let input = fs::read(&path).unwrap();
            match catch_unwind(|| target(&input)) {
                Ok(accepted) => answers.extend([accepted]),
                Err(_) => failed.push(path),
            }
        }
        assert!(
            answers.len() == 2 || !failed.is_empty(),
            "{name} always answers {answers:?}"
        );
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn every_corpus_has_a_target_and_every_target_a_program() {
    let corpora: BTreeSet<String> = files(&folder("tests/corpus"))
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    let names: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(corpora, names);
    for name in names {
        let program = folder("../../fuzz/fuzz_targets").join(format!("{name}.rs"));
        let text = fs::read_to_string(&program).unwrap_or_default();
        assert!(
            text.contains(&format!("fuzzing::{name}(data)")),
            "{} does not drive it",
            program.display()
        );
    }
}

#[test]
fn the_good_states_of_the_corpus_are_those_that_are_sealed_now() {
    let folder = folder("tests/corpus/state");
    for (at, state) in known_states().iter().enumerate() {
        // Where the format of a state was changed on purpose, the new text is what the file must hold.
        let kept = fs::read_to_string(folder.join(format!("sealed-{at}"))).unwrap_or_default();
        assert_eq!(kept, *state, "sealed-{at}");
    }
}
