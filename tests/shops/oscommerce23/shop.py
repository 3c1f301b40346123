from tests.shops.families import OsCommerce23  # noqa: F401 - until the last user has moved
