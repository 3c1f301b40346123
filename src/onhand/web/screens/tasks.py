"""Tasks: the progress of long work, the result for each SKU, and a way to stop it.

Path: ``/tasks`` and ``/tasks/NO``; Shopping Cart Functions sends a person here.
Promise: a page that is opened again shows the same bar; 100,000 results are read page by page.
Never: starts or does the work.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi.responses import Response, StreamingResponse

from onhand.domain.errors import Refused
from onhand.domain.listings import Direction
from onhand.domain.people import Scope
from onhand.files import sheets
from onhand.web.declaring import form, page
from onhand.web.visit import Page, Visit
from onhand.words import label

ROWS = 50  # results on one page
DOWNLOAD_ROWS = 1000  # results read at once while a file is written
WORDS = {"send_qoh": label(Direction.SEND), "get_qoh": label(Direction.GET)}
PHASES = {
    "starting": "Starting",
    "reading": "Reading the shop's products",
    "settling": "Checking each count twice",
    "posting": "Sending changes to the shop",
}
TONES = {"running": "way", "done": "ok", "failed": "bad", "cancelled": "off", "interrupted": "warn"}
# The meaning of each result for the reader, in the order they are shown.
RESULTS = {
    "changed": "The count was changed.",
    "created": "An item was created, with the shop's name and count.",
    "equal": "The counts already matched.",
    "failed": "The shop did not accept the change; see the reason.",
    "cancelled": "Not sent, because the task was cancelled.",
    "not found": "No product of this shop has this SKU.",
    "unmatched": "No item has this SKU.",
    "blank": "The product has no SKU in the shop.",
    "duplicate": "Several products of the shop have this SKU, so OnHand does not guess.",
    "fraction": "Not synced: the shop has a fractional quantity.",
    "download": "Not synced: it is a download.",
    "derived": "Not synced: the shop calculates its quantity from variants or sub-products.",
    "set aside": "Its item has Ignore QOH or Drop ship.",
    "deleted": "The product no longer exists in the shop.",
    "too long": "The shop's column is too narrow for this SKU.",
    "ignored": "A person chose to ignore it.",
}
PREVIEWED = {  # those that a preview words differently
    "changed": "The count will change.",
    "created": "An item will be created, with the shop's name and count.",
}


def _tasks(visit: Visit) -> Page:
    before = visit.query.get("before", "")
    found = visit.do("task_list", limit=ROWS, **({"before": before} if before else {}))["tasks"]
    older = visit.link(before=found[-1]["task"]) if len(found) == ROWS else None
    data = {"tasks": [shown(task) for task in found], "older": older, "first": "/tasks" if before else None}
    return Page("tasks.html", data, "Tasks", ("tasks_list",))


def _task(visit: Visit, task: str) -> Page:
    result, after = visit.query.get("result", ""), visit.query.get("after", "") or 0
    found = visit.do("task_show", task=task, result=result or None, after=after, limit=ROWS)
    lines = found.pop("lines")
    data = {
        "task": shown(found),
        "lines": lines,
        "result": result,
        "first": visit.link(after=None) if after else None,
        "on": visit.link(after=lines[-1]["line"]) if len(lines) == ROWS else None,
        "meanings": RESULTS,
    }
    title = f"Task {found['task']}: {data['task']['what']}"
    return Page("task.html", data, title, ("progress", "results"), ages=found["state"] == "running")


def _cancel(visit: Visit, task: str) -> Response:
    number = visit.do("task_show", task=task, limit=1)["task"]
    try:
        visit.do("task_cancel", task=number)
    except Refused as error:  # it has ended meanwhile: the page says how
        return visit.go(f"/tasks/{number}", error.message)
    return visit.go(f"/tasks/{number}", f"Task {number} is stopping.")


def _download(visit: Visit, task: str, form: str) -> Response:
    if form not in set(sheets.Form):
        raise Refused("Results can be downloaded as csv or xlsx.")
    number = visit.do("task_show", task=task, limit=1)["task"]
    pieces = sheets.write(sheets.ALIGNED, _rows(visit, number), sheets.Form(form))
    named = {"Content-Disposition": f'attachment; filename="onhand-task-{number}.{form}"'}
    return StreamingResponse(pieces, media_type=sheets.Form(form).media_type, headers=named)


def shown(task: Mapping[str, Any]) -> dict[str, Any]:
    """Return a task for a page: its words, its tone, and its counts in reading order."""
    counts = (task["result"] or {}).get("counts", {})
    how = task["progress"] or {"phase": "", "done": 0, "of": 0, "stopping": False}
    return {
        **task,
        "what": WORDS.get(task["verb"], task["verb"]),
        "tone": TONES[task["state"]],
        "phase": PHASES.get(how["phase"], how["phase"]),
        "done": how["done"],
        "of": how["of"],
        "stopping": how["stopping"],
        "counts": in_order(counts),
    }


def in_order(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the counts per result, in reading order."""
    return {word: counts[word] for word in (*RESULTS, *sorted(counts)) if word in counts}


def _rows(visit: Visit, task: int) -> Iterator[list[sheets.Value | None]]:
    """Yield every line of a result, read page by page."""
    after = 0
    while True:
        lines = visit.do("task_show", task=task, after=after, limit=DOWNLOAD_ROWS)["lines"]
        for line in lines:
            known = {**line, "on_hand": line["here"], "shop": line["there"], "reason": line["failure"]}
            yield [known[name] for name in sheets.ALIGNED.names]
        if len(lines) < DOWNLOAD_ROWS:
            return
        after = lines[-1]["line"]


SCREENS = (
    page("/tasks", Scope.READ, _tasks),
    page("/tasks/{task}", Scope.READ, _task),
    form("/tasks/{task}/cancel", Scope.MANAGE, _cancel),
    page("/tasks/{task}/result.{form}", Scope.READ, _download),
)
