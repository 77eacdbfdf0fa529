//! What was changed, cut, lengthened or put together otherwise is refused.

use super::*;

#[test]
fn every_flipped_byte_and_every_cut_is_refused() {
    let (disk, _) = written(&small());
    let bytes = disk.contents(path()).unwrap();
    assert!(bytes.len() < 2_000, "{}", bytes.len());
    for place in 0..bytes.len() {
        for flip in [1, 0x80, 0xFF] {
            let mut changed = bytes.clone();
            changed[place] ^= flip;
            let error = refused(&disk, &changed);
            let fields = error.fields();
            assert!(error.kind().is_damage() && fields.offset.is_some(), "{place}: {error}");
            assert!(fields.expected.is_some() && fields.found.is_some(), "{place}: {error}");
            assert_eq!(fields.path, path());
            assert!(fields.offset.unwrap() <= place as u64, "{place}: {error}");
        }
        let error = refused(&disk, &bytes[..place]);
        assert_eq!(error.kind(), OpenErrorKind::Damaged, "{place}: {error}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    let error = refused(&disk, &longer).to_string();
    assert!(error.contains("bytes follow the end"), "{error}");
    disk.replace(path(), &bytes);
    assert_same(&loaded(&disk).unwrap().root, &small());
}

/// The blocks of an image: kind and payload.
type Blocks = Vec<(u32, Vec<u8>)>;

fn blocks(bytes: &[u8]) -> Blocks {
    let mut blocks = Vec::new();
    let mut rest = &bytes[format::PROLOGUE_BYTES..];
    while !rest.is_empty() {
        let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
        let kind = u32::from_le_bytes(rest[8..12].try_into().unwrap());
        blocks.push((kind, rest[16..16 + length].to_vec()));
        rest = &rest[16 + length..];
    }
    blocks
}

/// An image of these blocks whose checksums, hash and number of blocks are right.
fn image_of(mut blocks: Blocks) -> Vec<u8> {
    let count = blocks.len() as u64;
    let mut bytes = format::prologue().to_vec();
    for (kind, payload) in &mut blocks {
        if *kind == 4 {
            payload[16..24].copy_from_slice(&count.to_le_bytes());
            payload[24..].copy_from_slice(crate::crypto::blake3::hash(&bytes).as_bytes());
        }
        let kind = format::Kind::of(*kind).unwrap();
        let header = format::block_header(kind, bytes.len() as u64, payload);
        bytes.extend_from_slice(&header);
        bytes.extend_from_slice(payload);
    }
    bytes
}

#[test]
fn well_formed_blocks_must_fit_together() {
    let (disk, _) = written(&small());
    let bytes = disk.contents(path()).unwrap();
    let whole = blocks(&bytes);
    let kinds: Vec<u32> = whole.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [1, 2, 3, 2, 2, 3, 4]);
    assert_eq!(image_of(whole.clone()), bytes);
    let with = |change: &dyn Fn(&mut Blocks)| {
        let mut blocks = whole.clone();
        change(&mut blocks);
        refused(&disk, &image_of(blocks)).to_string()
    };
    for (expected, error) in [
        ("a table's number of rows", with(&|blocks| drop(blocks.remove(2)))),
        ("row ids that ascend", with(&|blocks| blocks.insert(2, blocks[2].clone()))),
        ("names and identities that no", with(&|blocks| blocks.insert(1, blocks[3].clone()))),
        ("number of tables or rows", with(&|blocks| drop(blocks.remove(3)))),
        ("number of tables or rows", with(&|blocks| blocks[6].1[8] ^= 1)),
        ("a table before its rows", with(&|blocks| blocks.swap(1, 2))),
        ("out of place", with(&|blocks| blocks.swap(0, 1))),
        ("out of place", with(&|blocks| blocks.insert(3, blocks[0].clone()))),
        ("cut off", with(&|blocks| drop(blocks.pop()))),
    ] {
        assert!(error.contains(expected), "{expected}: {error}");
    }
    // Any byte of a payload changed, with checksums to match: never a panic.
    for block in 1..whole.len() - 1 {
        for place in 0..whole[block].1.len() {
            for flip in [1, 0x80, 0x7F] {
                let mut blocks = whole.clone();
                blocks[block].1[place] ^= flip;
                disk.replace(path(), &image_of(blocks));
                if let Ok(image) = loaded(&disk) {
                    image.root.tables().for_each(|table| drop(rows(table)));
                }
            }
        }
    }
}

#[test]
fn duplicate_keys_other_databases_and_other_versions_are_named() {
    // A table whose first column was unique is given rows that share a key.
    let mut root = small();
    let id = root.table_by_name("t2").unwrap().id();
    let index = Arc::clone(&root.table(id).unwrap().schema().indexes[0]);
    let table = root.table_mut(id).unwrap();
    table.drop_index(index.id);
    let ids = live_ids(table);
    let updated = UpdatedRows {
        values: vec![Column::repeat(DataType::Int8, ValueRef::Int8(77), ids.len())],
        ids,
        ordinals: vec![0],
        stamps: Stamps::One(Stamp(1)),
    };
    let change = TableChange { updated: Some(updated), ..TableChange::default() };
    table.apply(&change).unwrap();
    let schema = Schema { indexes: vec![index], ..Schema::clone(table.schema()) };
    let (disk, _) = written(&root);
    let mut changed = blocks(&disk.contents(path()).unwrap());
    let table_block = changed.iter().rposition(|(kind, _)| *kind == 2).unwrap();
    let mut payload = Vec::new();
    crate::encoding::encode_schema(&schema, &mut payload);
    payload.extend([5, 4]); // next row id, rows
    changed[table_block].1 = payload;
    let error = refused(&disk, &image_of(changed)).to_string();
    assert!(error.contains("unique index t2_0") && error.contains("Int8(77)"), "{error}");

    let (disk, _) = written(&small());
    let error =
        load(&disk, path(), Some(DatabaseId([1; 16])), &mut |_| {}, &|| Ok(())).unwrap_err();
    assert_eq!(error.kind(), OpenErrorKind::Foreign);
    assert!(error.to_string().contains(&ID.to_string()), "{error}");
    assert!(load(&disk, path(), None, &mut |_| {}, &|| Ok(())).is_ok());

    let mut bytes = disk.contents(path()).unwrap();
    bytes[8] = 2;
    let error = refused(&disk, &bytes);
    assert_eq!(
        (error.kind(), error.fields().found.as_deref()),
        (OpenErrorKind::Version, Some("2"))
    );
    disk.remove(path()).unwrap();
    assert_eq!(loaded(&disk).unwrap_err().kind(), OpenErrorKind::Missing);
}
