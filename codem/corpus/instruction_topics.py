"""What instructions for code are about, by the words that give it away: single words, and phrases of several."""

from __future__ import annotations


def _topic(words: str, *phrases: str) -> tuple[frozenset[str], tuple[str, ...]]:
    return frozenset(words.split()), phrases


TOPICS: dict[str, tuple[frozenset[str], tuple[str, ...]]] = {
    "strings and text": _topic(
        "string strings substring substrings character characters palindrome palindromes vowel vowels word words text "
        "letter letters anagram anagrams sentence sentences lowercase uppercase"
    ),
    "lists and arrays": _topic("list lists array arrays vector vectors slice slices tuple tuples"),
    "maps and sets": _topic("dictionary dictionaries hashmap map maps hashtable dict", "hash table", "hash map"),
    "numbers and mathematics": _topic(
        "number numbers integer integers prime primes factorial fibonacci sum digit digits divisor divisors gcd lcm "
        "matrix matrices equation polynomial mathematical average median fraction fractions",
        "square root",
    ),
    "sorting and searching": _topic(
        "sort sorts sorted sorting search searching quicksort mergesort", "merge sort", "binary search", "bubble sort"
    ),
    "linked structures, trees, graphs": _topic(
        "tree trees graph graphs node nodes bst dfs bfs heap stack queue trie dijkstra", "linked list", "priority queue"
    ),
    "algorithms by name": _topic(
        "recursion recursive backtracking greedy knapsack memoization permutations combinations", "dynamic programming"
    ),
    "classes and objects": _topic(
        "class classes object objects inheritance interface interfaces struct structs constructor polymorphism",
        "object oriented",
        "object-oriented",
    ),
    "files and formats": _topic(
        "file files csv json xml yaml directory directories parse parser pdf excel spreadsheet"
    ),
    "regular expressions": _topic("regex regexp regexes", "regular expression", "regular expressions"),
    "databases": _topic("database databases sql sqlite mysql postgresql mongodb query queries", "sql query"),
    "web pages": _topic("html css webpage website page form forms button div dom header footer navbar hyperlink"),
    "web services and networks": _topic(
        "api apis http server rest endpoint url urls request requests socket sockets client scrape scraper crawler"
    ),
    "user interfaces and games": _topic("gui game games tkinter animation canvas player chess widget", "tic tac toe"),
    "concurrency": _topic(
        "thread threads concurrent concurrency goroutine goroutines async asynchronous parallel mutex channel channels"
    ),
    "dates and times": _topic("date dates timestamp calendar clock year month day weekday timezone"),
    "data and learning": _topic(
        "dataset datasets dataframe pandas numpy plot chart statistics regression classifier classification neural "
        "tensorflow pytorch sklearn clustering",
        "machine learning",
        "data set",
    ),
    "security and encoding": _topic(
        "password passwords encrypt encryption decrypt cipher hash sha256 md5 base64 token"
    ),
    "errors and tests": _topic("error errors exception exceptions debug bug bugs", "unit test", "unit tests"),
}
"""Topic -> (single words, phrases), in lower case."""
