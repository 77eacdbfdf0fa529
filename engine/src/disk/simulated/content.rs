//! The bytes of a simulated file, in pages that copies share until one of them is written.

use std::sync::Arc;

pub(super) const PAGE_BYTES: usize = 4096;

/// A page's bytes; none are zeros.
pub(super) type Page = Option<Arc<[u8; PAGE_BYTES]>>;

/// Bytes of a file. Invariant: those of its pages at and beyond `len` are zeros.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    len: u64,
    pages: Vec<Page>,
}

/// The part of a page that a stretch of bytes covers.
pub(super) struct Span {
    pub(super) page: usize,
    /// First byte within the page.
    begin: usize,
    /// First byte within the stretch.
    from: usize,
    len: usize,
}

/// The pages that `len` bytes from `offset` on cover.
pub(super) fn spans(offset: u64, len: usize) -> impl Iterator<Item = Span> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let place = offset as usize + from;
        let begin = place % PAGE_BYTES;
        let span = Span {
            page: place / PAGE_BYTES,
            begin,
            from,
            len: (PAGE_BYTES - begin).min(len - from),
        };
        from += span.len;
        (span.len > 0).then_some(span)
    })
}

impl Content {
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn page(&self, page: usize) -> Page {
        self.pages.get(page).cloned().flatten()
    }

    pub(super) fn page_count(&self) -> usize {
        self.pages.len()
    }

    pub(super) fn set_page(&mut self, page: usize, bytes: Page) {
        if page >= self.pages.len() {
            if bytes.is_none() {
                return;
            }
            self.pages.resize(page + 1, None);
        }
        self.pages[page] = bytes;
    }

    pub(super) fn read(&self, offset: u64, buffer: &mut [u8]) -> usize {
        let count = buffer.len().min(self.len.saturating_sub(offset) as usize);
        for span in spans(offset, count) {
            let target = &mut buffer[span.from..span.from + span.len];
            match self.pages.get(span.page) {
                Some(Some(page)) => {
                    target.copy_from_slice(&page[span.begin..span.begin + span.len]);
                }
                _ => target.fill(0),
            }
        }
        count
    }

    pub(super) fn write(&mut self, offset: u64, bytes: &[u8]) {
        for span in spans(offset, bytes.len()) {
            let source = &bytes[span.from..span.from + span.len];
            // Segments are filled with zeros before they are used: those take no memory.
            if span.len == PAGE_BYTES && source.iter().all(|byte| *byte == 0) {
                self.set_page(span.page, None);
                continue;
            }
            if span.page >= self.pages.len() {
                self.pages.resize(span.page + 1, None);
            }
            let page = self.pages[span.page].get_or_insert_with(|| Arc::new([0; PAGE_BYTES]));
            Arc::make_mut(page)[span.begin..span.begin + span.len].copy_from_slice(source);
        }
        self.len = self.len.max(offset + bytes.len() as u64);
    }

    pub(super) fn set_len(&mut self, len: u64) {
        if len < self.len {
            let (whole, rest) = (len as usize / PAGE_BYTES, len as usize % PAGE_BYTES);
            self.pages.truncate(if rest > 0 { whole + 1 } else { whole });
            if rest > 0
                && let Some(Some(page)) = self.pages.get_mut(whole)
            {
                Arc::make_mut(page)[rest..].fill(0);
            }
        }
        self.len = len;
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.len as usize];
        self.read(0, &mut bytes);
        bytes
    }
}
