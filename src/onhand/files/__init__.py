"""CSV and XLSX files of OnHand and of other programs, and the files for a shop.

Path: verbs read with ``sheets``, which chooses ``csvfiles`` or ``workbooks``, finds the heading line (``headings``) and checks each
column (``layouts``).
Promise: a value is read as the person sees it, or refused by name.
Never: books anything.
"""
