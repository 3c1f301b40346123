"""Names every state, cause and kind in the words that people read; and numbers with their nouns.

Path: screens, commands and files of tables ask here; the values themselves, as stored and as the API has them, stay in ``domain``.
Promise: each member of an enum that people see has exactly one label; ``tests/test_words.py`` holds that.
Never: decides anything, or appears in the API.

A label is in sentence case, as it stands alone in a cell or a list. Within a sentence use ``lower_first(label(member))``.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from onhand.domain import notices, posts, stock
from onhand.domain.counting import How, SheetState
from onhand.domain.differences import Cause, Policy, Remedy
from onhand.domain.grammar import counted, number, plural_of, signed, with_article
from onhand.domain.importing import FileKind, Form
from onhand.domain.listings import Direction, Problem
from onhand.domain.numbers import Mark
from onhand.domain.orders import LineState
from onhand.domain.people import Role, Scope
from onhand.domain.purchasing import OrderState
from onhand.domain.spelling import Text
from onhand.domain.states import CartState
from onhand.domain.tasks import TaskState
from onhand.domain.webhooks import DeliveryState, Event

__all__ = [
    "ACTION_LABELS",
    "LABELS",
    "ORDER_LABELS",
    "RESULT_LABELS",
    "choices",
    "counted",
    "label",
    "label_of",
    "lower_first",
    "number",
    "plural_of",
    "signed",
    "with_article",
]

LABELS: Mapping[type[Enum], Mapping[Enum, str]] = {
    CartState: {
        CartState.INACTIVE: "Inactive",
        CartState.STOPPED: "Stopped",
        CartState.NOT_ALIGNED: "Not aligned",
        CartState.OFF: "Sync off",
        CartState.TROUBLE: "Connection problem",
        CartState.NO_CONTROLLER: "Sync not running",
        CartState.UNSEEN: "Not checked recently",
        CartState.WAITS: "Needs attention",
        CartState.WORKING: "Syncing",
        CartState.IN_STEP: "In sync",
    },
    Cause: {
        Cause.LOST_SALE: "Lost sale",
        Cause.LOST_POST: "Lost update",
        Cause.LOST_RETURN: "Lost return",
        Cause.ORDER_EDITED: "Order edited",
        Cause.ORDER_CANCELLED: "Order cancelled",
        Cause.RETURN_IN_DOUBT: "Unconfirmed return",
        Cause.COUNTER_LOWERED: "Sales counter lowered",
        Cause.GIVEN_BACK_TWICE: "Restocked twice",
        Cause.PARTIAL_RETURN: "Partial return",
        Cause.EDIT: "Edited in the shop",
        Cause.STALE_SAVE: "Old count saved again",
        Cause.COUNTER_RESET: "Sales counter reset",
        Cause.OUT_OF_RANGE: "Out of range",
        Cause.SEVERAL: "Several changes at once",
        Cause.UNKNOWN: "Unknown cause",
        Cause.NEW_LISTING: "New product",
        Cause.RENAMED: "SKU changed",
        Cause.DELETED: "Product deleted",
        Cause.SET_ASIDE: "No longer synced",
        Cause.RESTORED: "Restored from a backup",
        Cause.SHARED: "Shop connected twice",
        Cause.BRAKE: "Too many changes at once",
    },
    Remedy: {
        Remedy.POST: "Correct the shop",
        Remedy.BOOK: "Adjust on hand",
        Remedy.ASK: "Decide",
        Remedy.REBASE: "Note the sales counter",
        Remedy.SHOW: "Fix it by hand",
        Remedy.STOP: "Align the cart again",
    },
    Policy: {
        Policy.OURS: "Keep our count",
        Policy.THEIRS: "Use the shop's count",
        Policy.ASK: "Ask each time",
    },
    OrderState: {
        OrderState.DRAFT: "Draft",
        OrderState.SENT: "Sent",
        OrderState.CLOSED: "Closed",
        OrderState.CANCELLED: "Cancelled",
    },
    posts.State: {
        posts.State.SENT: "Sending",
        posts.State.APPLIED: "Updated",
        posts.State.MISSING: "Product deleted",
        posts.State.RANGE: "Quantity out of range",
        posts.State.UNLANDED: "Lost and sent again",
    },
    SheetState: {
        SheetState.OPEN: "Open",
        SheetState.POSTED: "Applied",
        SheetState.DISCARDED: "Discarded",
    },
    How: {
        How.ASK: "Ask first",
        How.REPLACE: "Replace the earlier count",
        How.ADD: "Add to the earlier count",
    },
    Problem: {
        Problem.BLANK: "No SKU",
        Problem.DUPLICATE: "Duplicate SKU",
        Problem.UNMATCHED: "Unmatched SKU",
        Problem.FRACTION: "Fractional quantity",
        Problem.DOWNLOAD: "Download",
        Problem.DERIVED: "Calculated by the shop",
        Problem.DELETED: "Deleted in the shop",
        Problem.IGNORED: "Ignored",
        Problem.SET_ASIDE: "Ignore QOH or Drop ship",
        Problem.NOT_FOUND: "Not in the shop",
        Problem.TOO_LONG: "SKU too long",
        Problem.LOOKS_ALIKE: "Look-alike SKU",
    },
    Direction: {
        Direction.GET: "Get QOH from Website",
        Direction.SEND: "Send QOH to Website",
    },
    notices.Kind: {
        notices.Kind.OVERSOLD: "Oversold",
        notices.Kind.SWITCHED_OFF: "Switched off",
        notices.Kind.UNMATCHED: "Unmatched SKUs",
        notices.Kind.UNCLEAR: "Missing or duplicate SKUs",
        notices.Kind.LOW: "Low stock",
    },
    stock.Kind: {
        stock.Kind.OPENING: "Opening stock",
        stock.Kind.SALE: "Sale",
        stock.Kind.CANCELLATION: "Cancellation",
        stock.Kind.RETURN: "Return",
        stock.Kind.RECEIPT: "Receipt",
        stock.Kind.ADJUSTMENT: "Adjustment",
        stock.Kind.COUNT: "Count",
    },
    LineState: {
        LineState.WAITING: "Waiting for payment",
        LineState.SOLD: "Sold",
        LineState.RESTOCKED: "Cancelled",
        LineState.UNTRACKED: "Not synced",
    },
    FileKind: {
        FileKind.ITEMS: "Items",
        FileKind.COUNTS: "Counts",
        FileKind.RECEIPTS: "Receipts",
    },
    Form: {
        Form.CSV: "CSV",
        Form.XLSX: "Excel (XLSX)",
    },
    Mark: {
        Mark.POINT: "Point: 1.5",
        Mark.COMMA: "Comma: 1,5",
    },
    Text: {
        Text.PLAIN: "Readable",
        Text.MENDED: "Repaired text",
        Text.DOUBTFUL: "Doubtful text",
    },
    TaskState: {
        TaskState.RUNNING: "Running",
        TaskState.DONE: "Done",
        TaskState.FAILED: "Failed",
        TaskState.CANCELLED: "Cancelled",
        TaskState.INTERRUPTED: "Interrupted",
    },
    Event: {
        Event.STOCK_CHANGED: "Stock changed",
        Event.DIFFERENCE_OPENED: "Difference found",
        Event.CART_DOWN: "Cart down",
        Event.CART_UP: "Cart up again",
    },
    DeliveryState: {
        DeliveryState.WAITING: "Waiting",
        DeliveryState.DELIVERED: "Delivered",
        DeliveryState.GIVEN_UP: "Failed",
    },
    Scope: {
        Scope.READ: "View",
        Scope.STOCK: "Change stock",
        Scope.MANAGE: "Manage",
        Scope.ADMINISTER: "Administer",
    },
    Role: {
        Role.VIEWER: "Viewer",
        Role.CLERK: "Clerk",
        Role.MANAGER: "Manager",
        Role.ADMINISTRATOR: "Administrator",
    },
}

# The words of ``Order.word`` and ``OrderLine.word``.
ORDER_LABELS: Mapping[str, str] = {
    "waiting": "Waiting for payment",
    "sold": "Sold",
    "cancelled": "Cancelled",
    "deleted": "Deleted",
    "returned": "Returned",
    "not kept": "Not synced",
    "partly waiting": "Partly waiting for payment",
    "partly cancelled": "Partly cancelled",
    "partly deleted": "Partly deleted",
    "partly returned": "Partly returned",
    "partly not kept": "Partly not synced",
}

# What a person or a program did, by the name of its verb, as the audit log has it.
ACTION_LABELS: Mapping[str, str] = {
    "adjust": "Adjust stock",
    "cart_add": "Connect shop",
    "cart_edit": "Edit cart",
    "cart_key": "Create cart key",
    "cart_password": "Save database password",
    "cart_remove": "Remove cart",
    "cart_test": "Test connection",
    "count_add": "Create count sheet",
    "count_discard": "Discard count",
    "count_enter": "Enter counts",
    "count_import": "Import counts",
    "count_post": "Apply count",
    "decide": "Decide difference",
    "difference_recheck": "Check difference again",
    "get_qoh": "Get QOH from Website",
    "item_add": "Add item",
    "item_edit": "Edit item",
    "item_import": "Import items",
    "listing_choose": "Link product",
    "listing_create": "Create items",
    "listing_ignore": "Ignore products",
    "listing_leave_off": "Keep products off",
    "listing_release": "Undo link",
    "listing_switch_on": "Switch products on",
    "order_add": "Add phone order",
    "order_cancel": "Cancel order",
    "order_return": "Record return",
    "param_set": "Change parameter",
    "password_change": "Change own password",
    "password_choose": "Choose password",
    "posts_park": "Park item",
    "posts_release": "Release item",
    "posts_retry": "Retry parked updates",
    "purchase_add": "Create purchase order",
    "purchase_cancel": "Cancel purchase order",
    "purchase_close": "Close purchase order",
    "purchase_edit": "Edit purchase order",
    "purchase_raise": "Create drafts",
    "purchase_receive": "Receive purchase order",
    "purchase_send": "Mark as sent",
    "receive": "Receive goods",
    "receive_import": "Import receipts",
    "send_qoh": "Send QOH to Website",
    "session_revoke": "End session",
    "supplier_add": "Add supplier",
    "supplier_edit": "Edit supplier",
    "sync_off": "Switch sync off",
    "sync_on": "Switch sync on",
    "task_cancel": "Cancel task",
    "task_start": "Start task",
    "token_add": "Create token",
    "token_revoke": "Revoke token",
    "user_add": "Invite user",
    "user_edit": "Edit user",
    "user_link": "Create login link",
    "webhook_add": "Add webhook",
    "webhook_edit": "Edit webhook",
    "webhook_remove": "Remove webhook",
    "webhook_retry": "Resend message",
    "webhook_test": "Test webhook",
}

# What came of one SKU in a Send or a Get: these, or a ``Problem``.
RESULT_LABELS: Mapping[str, str] = {
    "changed": "Changed",
    "created": "Created",
    "equal": "Already equal",
    "failed": "Failed",
    "cancelled": "Cancelled",
    **{problem.value: name for problem, name in LABELS[Problem].items() if isinstance(problem, Problem)},
}


def label(member: Enum) -> str:
    """Return the label of a member of an enum that people see."""
    return LABELS[type(member)][member]


def label_of(kind: type[Enum], value: str) -> str:
    """Return the label of a value as the API has it: ``label_of(CartState, "in step")``. Raise ValueError for an unknown one."""
    return label(kind(value))


def lower_first(name: str) -> str:
    """Return a label as it stands within a sentence; one that begins with an abbreviation stays as it is."""
    return name if name[1:2].isupper() else name[:1].lower() + name[1:]


def choices(kind: type[Enum]) -> list[tuple[str, str]]:
    """Return all values of an enum with their labels, for a list to choose from."""
    return [(member.value, name) for member, name in LABELS[kind].items()]
