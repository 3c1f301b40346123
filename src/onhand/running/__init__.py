"""Work that goes on without a request: the controller, long tasks, and webhooks.

Path: ``app`` starts and stops them; each calls services in threads of its own.
Promise: each stops within seconds when told to, and leaves nothing half done.
Never: decides anything about stock.
"""
