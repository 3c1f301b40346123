"""The screens: one module and one template each.

Path: ``web.attach`` imports every module here and adds what its ``SCREENS`` lists to the site.
Promise: a screen shows what verbs answer, and changes things by verbs only.
Never: imports another screen's module except for a link.
"""
