//! What was written comes back: databases of random steps, large values, the first release's image.

use super::*;
use crate::error::{Error, SqlState};
use crate::limits::INTERRUPT_CHECK_ROWS;

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn databases_come_back(plans in any_plan(), more in vec(any_plan(), 2)) {
        let root = database(&plans);
        let (disk, image) = written(&root);
        let found = loaded(&disk).unwrap();
        assert_same(&found.root, &root);
        prop_assert_eq!(&found.header, &header(&root));
        prop_assert_eq!((found.hash, found.bytes, found.rows), (image.hash, image.bytes, image.rows));
        prop_assert_eq!(disk.contents(path()).unwrap().len() as u64, image.bytes);

        // The same again, and an image of what was loaded loads as the same.
        let again = loaded(&disk).unwrap();
        assert_same(&again.root, &root);
        let (disk, _) = written(&found.root);
        assert_same(&loaded(&disk).unwrap().root, &root);

        // What was loaded goes on as the original does.
        let (mut mine, mut theirs) = (found.root, root);
        let ids: Vec<TableId> = theirs.tables().map(|table| table.id()).collect();
        for (id, plan) in ids.into_iter().zip(more.iter().flatten()) {
            for step in &plan.steps {
                carry_out(mine.table_mut(id).unwrap(), step);
                carry_out(theirs.table_mut(id).unwrap(), step);
            }
        }
        assert_same(&mine, &theirs);
        prop_assert_eq!(mine.shared().draw_table_id(), theirs.shared().draw_table_id());
        let versions = [mine, theirs].map(|root| root.shared().draw_schema_version());
        prop_assert!(versions[0] >= versions[1]);
    }
}

#[test]
fn large_values_are_split_into_blocks_and_chunks_come_back_whole() {
    let mut root = Root::empty();
    let plan = TablePlan {
        types: vec![DataType::Vector(Some(700)), DataType::Varchar(Some(3_000))],
        indexes: Vec::new(),
        steps: vec![Step::Insert(600, 100), Step::Delete(0, 3, 50)],
    };
    let id = root.create_table(schema(&root, 0, &plan));
    for step in &plan.steps {
        carry_out(root.table_mut(id).unwrap(), step);
    }
    let disk = SimulatedDisk::new();
    let mut steps = Vec::new();
    write(&disk, path(), &root, &header(&root), &mut |bytes| {
        steps.push(bytes);
        Ok(())
    })
    .unwrap();
    install(&disk, path()).unwrap();
    assert!(steps.len() > 10 && steps.iter().all(|bytes| *bytes < 3 * format::BLOCK_BYTES));
    let mut seen = Vec::new();
    let found = load(&disk, path(), None, &mut |progress| seen.push(progress), &|| Ok(())).unwrap();
    assert_same(&found.root, &root);
    let chunks = |root: &Root| root.shared().gauge().chunks();
    assert!(chunks(&found.root) <= chunks(&root) + 1, "{}", chunks(&found.root));
    assert!(seen.is_sorted_by_key(|progress| progress.bytes));
    let last = seen.last().unwrap();
    assert_eq!((last.bytes, last.indexes, last.indexes_total), (last.bytes_total, 1, 1));
    let gauge = Arc::clone(found.root.shared().gauge());
    drop(found);
    assert_eq!((gauge.roots(), gauge.chunks(), gauge.leaves(), gauge.bytes()), (0, 0, 0, 0));
}

/// It asks while indexes are built, when the last byte has long been read.
#[test]
fn building_of_indexes_is_stopped() {
    let mut root = Root::empty();
    let plan = TablePlan {
        types: Vec::new(),
        indexes: Vec::new(),
        steps: vec![Step::Insert(INTERRUPT_CHECK_ROWS + 1, 0)],
    };
    let id = root.create_table(schema(&root, 0, &plan));
    carry_out(root.table_mut(id).unwrap(), &plan.steps[0]);
    let (disk, _) = written(&root);
    let check = || Err(Error::new(SqlState::QueryCanceled, "enough"));
    let error = load(&disk, path(), Some(ID), &mut |_| {}, &check).unwrap_err();
    assert_eq!(error.kind(), OpenErrorKind::Io);
    assert!(error.to_string().contains("enough"), "{error}");
}

/// Written by the first release; opened forever.
const FIXTURE: &[u8] = include_bytes!("../../../tests/fixtures/image-v1.bin");

#[test]
fn images_of_format_1_are_opened_and_written_as_ever() {
    let (disk, image) = written(&small());
    disk.replace(path(), FIXTURE);
    let found = loaded(&disk).unwrap();
    assert_same(&found.root, &small());
    assert_eq!((found.header, found.hash), (header(&small()), image.hash));
}
