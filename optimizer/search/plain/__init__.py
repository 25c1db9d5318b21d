"""The short cut for plain problems: the same search where the clock of a visit is one window.

Most of what a rule costs is asking whether it applies. Where no break, setup, second window, crew
or lateness can occur (`arrays.is_plain`), everything about a visit fits into one cache line, a
place is priced with four numbers, and clocks are renewed only as far as they change.
"""
