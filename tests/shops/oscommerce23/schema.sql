-- The tables of an osCommerce 2.3 shop that a sale, a restock, an admin's save and the connector touch.
-- {ENGINE} and {COLLATION} are filled in by shop.py. Statements end with a semicolon at the end of a line.

CREATE TABLE configuration (
  configuration_id int NOT NULL AUTO_INCREMENT PRIMARY KEY,
  configuration_title varchar(255) NOT NULL,
  configuration_key varchar(255) NOT NULL,
  configuration_value text NOT NULL,
  configuration_description varchar(255) NOT NULL,
  configuration_group_id int NOT NULL,
  sort_order int(5) NULL,
  last_modified datetime NULL,
  date_added datetime NOT NULL,
  use_function varchar(255) NULL,
  set_function varchar(255) NULL
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE languages (
  languages_id int NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name varchar(32) NOT NULL,
  code char(2) NOT NULL,
  image varchar(64) NULL,
  directory varchar(32) NULL,
  sort_order int(3) NULL,
  KEY (name)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE products (
  products_id int NOT NULL AUTO_INCREMENT PRIMARY KEY,
  products_quantity int(4) NOT NULL,
  products_model varchar(12) NULL,
  products_image varchar(64) NULL,
  products_price decimal(15,4) NOT NULL,
  products_date_added datetime NOT NULL,
  products_last_modified datetime NULL,
  products_date_available datetime NULL,
  products_weight decimal(5,2) NOT NULL,
  products_status tinyint(1) NOT NULL,
  products_tax_class_id int NOT NULL,
  manufacturers_id int NULL,
  products_ordered int NOT NULL DEFAULT 0,
  KEY (products_model),
  KEY (products_date_added)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE products_description (
  products_id int NOT NULL,
  language_id int NOT NULL DEFAULT 1,
  products_name varchar(64) NOT NULL DEFAULT '',
  products_description text NULL,
  products_url varchar(255) NULL,
  products_viewed int(5) NULL DEFAULT 0,
  PRIMARY KEY (products_id, language_id),
  KEY (products_name)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE products_attributes (
  products_attributes_id int NOT NULL AUTO_INCREMENT PRIMARY KEY,
  products_id int NOT NULL,
  options_id int NOT NULL,
  options_values_id int NOT NULL,
  options_values_price decimal(15,4) NOT NULL,
  price_prefix char(1) NOT NULL,
  KEY (products_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE products_attributes_download (
  products_attributes_id int NOT NULL PRIMARY KEY,
  products_attributes_filename varchar(255) NOT NULL DEFAULT '',
  products_attributes_maxdays int(2) NULL DEFAULT 0,
  products_attributes_maxcount int(2) NULL DEFAULT 0
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE products_to_categories (
  products_id int NOT NULL,
  categories_id int NOT NULL,
  PRIMARY KEY (products_id, categories_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE orders (
  orders_id int NOT NULL AUTO_INCREMENT PRIMARY KEY,
  customers_id int NOT NULL,
  customers_name varchar(255) NOT NULL,
  customers_company varchar(255) NULL,
  customers_street_address varchar(255) NOT NULL,
  customers_suburb varchar(255) NULL,
  customers_city varchar(255) NOT NULL,
  customers_postcode varchar(255) NOT NULL,
  customers_state varchar(255) NULL,
  customers_country varchar(255) NOT NULL,
  customers_telephone varchar(255) NOT NULL,
  customers_email_address varchar(255) NOT NULL,
  customers_address_format_id int(5) NOT NULL,
  delivery_name varchar(255) NOT NULL,
  delivery_company varchar(255) NULL,
  delivery_street_address varchar(255) NOT NULL,
  delivery_suburb varchar(255) NULL,
  delivery_city varchar(255) NOT NULL,
  delivery_postcode varchar(255) NOT NULL,
  delivery_state varchar(255) NULL,
  delivery_country varchar(255) NOT NULL,
  delivery_address_format_id int(5) NOT NULL,
  billing_name varchar(255) NOT NULL,
  billing_company varchar(255) NULL,
  billing_street_address varchar(255) NOT NULL,
  billing_suburb varchar(255) NULL,
  billing_city varchar(255) NOT NULL,
  billing_postcode varchar(255) NOT NULL,
  billing_state varchar(255) NULL,
  billing_country varchar(255) NOT NULL,
  billing_address_format_id int(5) NOT NULL,
  payment_method varchar(255) NOT NULL,
  cc_type varchar(20) NULL,
  cc_owner varchar(255) NULL,
  cc_number varchar(32) NULL,
  cc_expires varchar(4) NULL,
  last_modified datetime NULL,
  date_purchased datetime NULL,
  orders_status int(5) NOT NULL,
  orders_date_finished datetime NULL,
  currency char(3) NULL,
  currency_value decimal(14,6) NULL,
  KEY (customers_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE orders_products (
  orders_products_id int NOT NULL AUTO_INCREMENT PRIMARY KEY,
  orders_id int NOT NULL,
  products_id int NOT NULL,
  products_model varchar(12) NULL,
  products_name varchar(64) NOT NULL,
  products_price decimal(15,4) NOT NULL,
  final_price decimal(15,4) NOT NULL,
  products_tax decimal(7,4) NOT NULL,
  products_quantity int(2) NOT NULL,
  KEY (orders_id),
  KEY (products_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE orders_products_attributes (
  orders_products_attributes_id int NOT NULL AUTO_INCREMENT PRIMARY KEY,
  orders_id int NOT NULL,
  orders_products_id int NOT NULL,
  products_options varchar(32) NOT NULL,
  products_options_values varchar(32) NOT NULL,
  options_values_price decimal(15,4) NOT NULL,
  price_prefix char(1) NOT NULL,
  KEY (orders_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE orders_status (
  orders_status_id int NOT NULL DEFAULT 0,
  language_id int NOT NULL DEFAULT 1,
  orders_status_name varchar(32) NOT NULL,
  public_flag int NULL DEFAULT 1,
  downloads_flag int NULL DEFAULT 0,
  PRIMARY KEY (orders_status_id, language_id),
  KEY (orders_status_name)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE orders_status_history (
  orders_status_history_id int NOT NULL AUTO_INCREMENT PRIMARY KEY,
  orders_id int NOT NULL,
  orders_status_id int(5) NOT NULL,
  date_added datetime NOT NULL,
  customer_notified int(1) NULL DEFAULT 0,
  comments text NULL,
  KEY (orders_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE orders_total (
  orders_total_id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  orders_id int NOT NULL,
  title varchar(255) NOT NULL,
  text varchar(255) NOT NULL,
  value decimal(15,4) NOT NULL,
  class varchar(32) NOT NULL,
  sort_order int NOT NULL,
  KEY (orders_id)
) ENGINE={ENGINE} {COLLATION};

INSERT INTO configuration (configuration_title, configuration_key, configuration_value, configuration_description, configuration_group_id, date_added) VALUES
  ('Default Language', 'DEFAULT_LANGUAGE', 'en', '', 6, now()),
  ('Check stock level', 'STOCK_CHECK', 'true', '', 9, now()),
  ('Subtract stock', 'STOCK_LIMITED', 'true', '', 9, now()),
  ('Allow Checkout', 'STOCK_ALLOW_CHECKOUT', 'true', '', 9, now()),
  ('Enable download', 'DOWNLOAD_ENABLED', 'false', '', 13, now());

INSERT INTO languages (languages_id, name, code, directory, sort_order) VALUES (1, 'English', 'en', 'english', 1), (2, 'Deutsch', 'de', 'german', 2);

INSERT INTO orders_status (orders_status_id, language_id, orders_status_name) VALUES
  (1, 1, 'Pending'), (2, 1, 'Processing'), (3, 1, 'Delivered'), (4, 1, 'Preparing'), (5, 1, 'Cancelled');
