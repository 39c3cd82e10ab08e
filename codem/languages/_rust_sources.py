"""What codem itself writes in Rust: the harness, the macros of the tests, and the one crate that a benchmark needs."""

from __future__ import annotations

HARNESS = r"""
use std::io::{Read, Write};
use std::os::unix::io::FromRawFd;
use std::sync::Mutex;

static MARK: Mutex<Vec<u8>> = Mutex::new(Vec::new());
extern "C" { fn _exit(code: i32) -> !; }

pub struct Token(Vec<u8>);

pub fn begin() -> (Token, usize) {
    let mut mark = Vec::new();
    let read = std::io::stdin().read_to_end(&mut mark).is_ok();
    let number = std::env::args().nth(1).and_then(|text| text.parse().ok());
    match (number, MARK.lock()) {
        (Some(number), Ok(mut kept)) if read && !mark.is_empty() => {
            *kept = mark.clone();
            (Token(mark), number)
        }
        _ => unsafe { _exit(1) },
    }
}

fn say(mark: &[u8], status: &str, code: i32) -> ! {
    let line = [b"\n", mark, b" ", status.as_bytes(), b"\n"].concat();
    let mut out = std::mem::ManuallyDrop::new(unsafe { std::fs::File::from_raw_fd(1) });
    let said = out.write_all(&line).is_ok();
    unsafe { _exit(if said { code } else { 1 }) }
}

pub fn end(token: Token) -> ! { say(&token.0, "end", 0) }

pub fn wrong(text: &str) -> ! {
    eprintln!("{}", text);
    let mark = MARK.lock().map(|kept| kept.clone()).unwrap_or_default();
    say(&mark, "wrong", 1)
}

mod sealed {
    use std::collections::*;
    pub trait Plain {}
    macro_rules! plain { ($($t:ty),*) => { $(impl Plain for $t {})* } }
    plain!(i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize, f32, f64, bool, char, str, String, ());
    plain!(std::cmp::Ordering, std::time::Duration, std::any::TypeId);
    macro_rules! holder { ($($t:ident)*) => { $(impl<T: Plain> Plain for $t<T> {})* } }
    holder!(Vec Option VecDeque LinkedList BTreeSet HashSet);
    impl<T: Plain + ?Sized> Plain for &T {}
    impl<T: Plain + ?Sized> Plain for &mut T {}
    impl<T: Plain + ?Sized> Plain for Box<T> {}
    impl<T: Plain + ?Sized> Plain for std::rc::Rc<T> {}
    impl<T: Plain + ?Sized> Plain for std::sync::Arc<T> {}
    impl<T: Plain + ToOwned + ?Sized> Plain for std::borrow::Cow<'_, T> where T::Owned: Plain {}
    impl<T: Plain> Plain for [T] {}
    impl<T: Plain, const N: usize> Plain for [T; N] {}
    impl<T: Plain, E: Plain> Plain for Result<T, E> {}
    impl<K: Plain, V: Plain> Plain for HashMap<K, V> {}
    impl<K: Plain, V: Plain> Plain for BTreeMap<K, V> {}
    macro_rules! tuple { ($($t:ident)*) => { impl<$($t: Plain),*> Plain for ($($t,)*) {} } }
    tuple!(A); tuple!(A B); tuple!(A B C); tuple!(A B C D); tuple!(A B C D E); tuple!(A B C D E F);
}
pub fn plain<T: sealed::Plain + ?Sized>(_: &T) {}

#[macro_export]
macro_rules! compare {
    ($op:tt, $left:expr, $right:expr $(, $($message:tt)*)?) => {
        match (&$left, &$right) {
            (left, right) => {
                $crate::plain(left);
                $crate::plain(right);
                if !(*left $op *right) {
                    $crate::wrong(&::std::format!("not {:?} {} {:?}", left, ::std::stringify!($op), right))
                }
            }
        }
    };
}

/// Finds the comparison in `a == b`; what is joined by `&&` or `||` is looked at as a whole.
#[macro_export]
macro_rules! check {
    (@left $all:tt [$($left:tt)+] == $($right:tt)+) => { $crate::check!(@right $all == [$($left)+] [] $($right)+) };
    (@left $all:tt [$($left:tt)+] != $($right:tt)+) => { $crate::check!(@right $all != [$($left)+] [] $($right)+) };
    (@left $all:tt [$($left:tt)*] && $($rest:tt)*) => { $crate::check!(@whole $all) };
    (@left $all:tt [$($left:tt)*] || $($rest:tt)*) => { $crate::check!(@whole $all) };
    (@left $all:tt [$($left:tt)*] , $($rest:tt)*) => { $crate::check!(@whole $all) };
    (@left $all:tt [$($left:tt)*] $next:tt $($rest:tt)*) => { $crate::check!(@left $all [$($left)* $next] $($rest)*) };
    (@left $all:tt [$($left:tt)*]) => { $crate::check!(@whole $all) };
    (@right $all:tt $op:tt $left:tt $right:tt && $($rest:tt)*) => { $crate::check!(@whole $all) };
    (@right $all:tt $op:tt $left:tt $right:tt || $($rest:tt)*) => { $crate::check!(@whole $all) };
    (@right $all:tt $op:tt [$($left:tt)+] [$($right:tt)+] $(, $($message:tt)*)?) => {
        $crate::compare!($op, ($($left)+), ($($right)+))
    };
    (@right $all:tt $op:tt $left:tt [$($right:tt)*] $next:tt $($rest:tt)*) => {
        $crate::check!(@right $all $op $left [$($right)* $next] $($rest)*)
    };
    (@whole [$cond:expr $(, $($message:tt)*)?]) => {{
        let ok: bool = $cond;
        if !ok { $crate::wrong(::std::concat!("not ", ::std::stringify!($cond))) }
    }};
    ($($all:tt)+) => { $crate::check!(@left [$($all)+] [] $($all)+) };
}
"""

TEST_MACROS = """\
macro_rules! assert { ($($t:tt)*) => { ::codem::check!($($t)*) } }
macro_rules! codem_check { ($($t:tt)*) => { ::codem::check!($($t)*) } }
macro_rules! assert_eq { ($($t:tt)*) => { ::codem::compare!(==, $($t)*) } }
macro_rules! assert_ne { ($($t:tt)*) => { ::codem::compare!(!=, $($t)*) } }
""" + "".join(
    f"macro_rules! {name} {{ ($($t:tt)*) => {{ ::std::{name}!($($t)*) }} }}\n"
    for name in ("vec", "format", "panic", "println", "print", "matches", "unreachable")
)

MD5 = r"""
//! The part of the crate md5 that programs use: `compute`, and its digest printed as hexadecimal digits.
use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 16]);

impl std::ops::Deref for Digest { type Target = [u8; 16]; fn deref(&self) -> &[u8; 16] { &self.0 } }
impl From<Digest> for [u8; 16] { fn from(digest: Digest) -> Self { digest.0 } }
impl fmt::LowerHex for Digest {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result { self.0.iter().try_for_each(|b| write!(f, "{:02x}", b)) }
}
impl fmt::UpperHex for Digest {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result { self.0.iter().try_for_each(|b| write!(f, "{:02X}", b)) }
}

const SHIFTS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];

pub fn compute<T: AsRef<[u8]>>(data: T) -> Digest {
    let data = data.as_ref();
    let mut message = data.to_vec();
    message.push(0x80);
    while message.len() % 64 != 56 { message.push(0); }
    message.extend_from_slice(&(data.len() as u64).wrapping_mul(8).to_le_bytes());
    let mut state: [u32; 4] = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];
    for block in message.chunks(64) {
        let [mut a, mut b, mut c, mut d] = state;
        for i in 0..64 {
            let (mixed, at) = match i / 16 {
                0 => ((b & c) | (!b & d), i),
                1 => ((d & b) | (!d & c), (5 * i + 1) % 16),
                2 => (b ^ c ^ d, (3 * i + 5) % 16),
                _ => (c ^ (b | !d), (7 * i) % 16),
            };
            let word = u32::from_le_bytes([block[4 * at], block[4 * at + 1], block[4 * at + 2], block[4 * at + 3]]);
            let sine = (((i + 1) as f64).sin().abs() * 4294967296.0) as u32;
            let sum = a.wrapping_add(mixed).wrapping_add(sine).wrapping_add(word);
            a = d;
            d = c;
            c = b;
            b = b.wrapping_add(sum.rotate_left(SHIFTS[i / 16][i % 4]));
        }
        for (kept, new) in state.iter_mut().zip([a, b, c, d]) { *kept = kept.wrapping_add(new); }
    }
    let mut digest = [0; 16];
    for (place, byte) in digest.iter_mut().zip(state.iter().flat_map(|word| word.to_le_bytes())) { *place = byte; }
    Digest(digest)
}
"""
