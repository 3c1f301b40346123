"""The screens: one module and one template each.

Path: ``web.attach`` imports every module here and calls its ``attach`` with the site.
Promise: a screen shows what verbs and reports answer, and changes things by verbs only.
Never: imports another screen's module but for a link.
"""
