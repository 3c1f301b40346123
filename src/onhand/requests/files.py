"""The arguments of the verbs in ``verbs.files``: templates of files.

Path: bound by ``verbs.files``; the API and the command line are derived from it.
Promise: each argument has its type, bounds, default and one sentence here.
Never: checks anything itself.
"""

from __future__ import annotations

from typing import Annotated

from annotated_doc import Doc

from onhand.domain.importing import FileKind, Form
from onhand.domain.people import Scope

from .declaring import Argument, request
from .kinds import FileForm


@request(Scope.READ)
class FileTemplate:
    """Create an empty file with the right headings, to fill in and import."""

    kind: Annotated[FileKind, Doc("The kind of file: items, counts or receipts."), Argument("KIND")]
    form: FileForm = Form.CSV
