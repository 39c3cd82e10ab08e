"""Words of C and C++ that `c_text` and `c_build` must know, and the headers that declare some of them."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STANDARD = _words(
    """
    assert.h complex.h ctype.h errno.h float.h inttypes.h iso646.h limits.h locale.h math.h setjmp.h signal.h
    stdbool.h stddef.h stdint.h stdio.h stdlib.h string.h time.h wchar.h wctype.h unistd.h sys/types.h algorithm
    array bitset cassert cctype cerrno cfloat chrono cinttypes climits clocale cmath complex cstddef cstdint cstdio
    cstdlib cstring ctime deque exception fstream functional initializer_list iomanip ios iosfwd iostream istream
    iterator limits list locale map memory mutex new numeric ostream queue random ratio regex set sstream stack
    stdexcept streambuf string thread tuple type_traits typeindex typeinfo unordered_map unordered_set utility
    valarray vector bits/stdc++.h boost/any.hpp openssl/md5.h
    """
)
OVERLOADED = _words(
    """
    adjacent_find all_of any_of binary_search copy count count_if equal find find_if for_each generate includes
    is_sorted iter_swap lexicographical_compare lower_bound max max_element merge min min_element minmax mismatch
    none_of partition random_shuffle remove replace reverse rotate search shuffle sort swap transform unique
    upper_bound
    """
)
"""Function templates of <algorithm>, none of which is in the global namespace too."""
GIVES = {
    "stdio.h": "printf sprintf puts putchar FILE NULL size_t",
    "stdlib.h": "abs atoi atof malloc free rand NULL size_t",
    "math.h": "abs fabs pow sqrt floor ceil round log exp fmod sin cos",
    "algorithm": " ".join(sorted(OVERLOADED)),
    "vector": "vector",
    "string": "string to_string stoi stod stof",
    "map": "map",
    "list": "list",
    "boost/any.hpp": "boost any any_cast",
    "openssl/md5.h": "MD5 MD5_CTX MD5_Init MD5_Update MD5_Final",
}
"""Header -> names that mean the same with it alone as with all of these headers. Not `begin`, `stringstream` and the
like, which other headers declare in part."""
CPP_KEYWORDS = _words(
    """
    auto bool break case catch char class const const_cast continue default delete do double dynamic_cast else enum
    explicit false float for goto if inline int long mutable namespace new noexcept nullptr private protected public
    return short signed sizeof static static_cast struct switch template this throw true try typedef typeid typename
    union unsigned using virtual void volatile while and or not std include
    """
)
