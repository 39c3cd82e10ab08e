"""Instruction corpora: pairs of an instruction and a response, which a model is trained on (Figure 1 of the paper).

pair.py, rejection.py            a pair, and why one is left out
sources.py, raw_rows.py,
shapes.py, load.py, bad_row.py   files of any shape -> pairs, and the rows that are none
mix.py                           several languages' pairs -> a mixture
training.py                      the items of a training run
"""
