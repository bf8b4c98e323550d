//! Pages of long lists.

use super::form::{Form, link};

/// One page of a list.
#[derive(Debug)]
pub(super) struct Paging {
    /// Items in all.
    pub(super) total: usize,
    /// The number of the first item of the page, from 1.
    pub(super) first: usize,
    /// The number of the last item of the page.
    pub(super) last: usize,
    /// The link to the page before.
    pub(super) previous: Option<String>,
    /// The link to the page after.
    pub(super) next: Option<String>,
}

/// Cuts the page out of a list that the query's `page` names, the nearest one if there is no such.
pub(super) fn page<T>(
    all: Vec<T>,
    per_page: usize,
    path: &str,
    query: &Form,
    kept: &[&str],
) -> (Vec<T>, Paging) {
    let total = all.len();
    let pages = total.div_ceil(per_page).max(1);
    let number = query.get("page").parse().unwrap_or(1).clamp(1, pages);
    let before = (number - 1) * per_page;
    let items: Vec<T> = all.into_iter().skip(before).take(per_page).collect();
    let to = |number: usize| {
        let mut fields: Vec<_> = kept
            .iter()
            .map(|name| (*name, query.get(name).into()))
            .collect();
        if number > 1 {
            fields.push(("page", number.to_string().into()));
        }
        link(path, fields)
    };
    let paging = Paging {
        total,
        first: if items.is_empty() { 0 } else { before + 1 },
        last: before + items.len(),
        previous: (number > 1).then(|| to(number - 1)),
        next: (number < pages).then(|| to(number + 1)),
    };
    (items, paging)
}

#[cfg(test)]
mod tests {
    use super::{Form, page};

    #[test]
    fn pages_are_cut_and_linked_with_the_filter() {
        let of = |query: &str| {
            let query = Form::parse(query.as_bytes());
            page((1..=25).collect(), 10, "/x", &query, &["q"])
        };
        let (items, paging) = of("q=a+b&page=2");
        assert_eq!(items, (11..=20).collect::<Vec<_>>());
        assert_eq!((paging.total, paging.first, paging.last), (25, 11, 20));
        assert_eq!(paging.previous.as_deref(), Some("/x?q=a+b"));
        assert_eq!(paging.next.as_deref(), Some("/x?q=a+b&page=3"));
        for (query, first) in [("page=0", 1), ("page=99", 21), ("page=x", 1), ("", 1)] {
            assert_eq!(of(query).1.first, first, "{query}");
        }
        let (items, paging) = page(Vec::<u8>::new(), 10, "/x", &Form::default(), &[]);
        assert_eq!((items.len(), paging.first, paging.last), (0, 0, 0));
    }
}
