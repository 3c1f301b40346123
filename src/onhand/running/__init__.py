"""Background work: the controller, long tasks and webhooks.

Path: ``app`` starts and stops them; each calls services on its own threads.
Promise: each stops within seconds on request, and leaves nothing half done.
Never: decides anything about stock.
"""
