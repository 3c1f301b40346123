-- The tables of osCommerce 2.2 RC2a that a sale, a restock, an admin's save and the connector touch, as a real installation has them.
-- {PREFIX}, {ENGINE} and {COLLATION} are filled in by shop.py. Statements end with a semicolon at the end of a line.

CREATE TABLE {PREFIX}configuration (
  configuration_id int NOT NULL AUTO_INCREMENT,
  configuration_title varchar(255) NOT NULL,
  configuration_key varchar(255) NOT NULL,
  configuration_value varchar(255) NOT NULL,
  configuration_description varchar(255) NOT NULL,
  configuration_group_id int NOT NULL,
  sort_order int(5),
  last_modified datetime,
  date_added datetime NOT NULL,
  use_function varchar(255),
  set_function varchar(255),
  PRIMARY KEY (configuration_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}languages (
  languages_id int NOT NULL AUTO_INCREMENT,
  name varchar(32) NOT NULL,
  code char(2) NOT NULL,
  image varchar(64),
  directory varchar(32),
  sort_order int(3),
  PRIMARY KEY (languages_id),
  KEY (name)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}products (
  products_id int NOT NULL AUTO_INCREMENT,
  products_quantity int(4) NOT NULL,
  products_model varchar(12),
  products_image varchar(64),
  products_price decimal(15,4) NOT NULL,
  products_date_added datetime NOT NULL,
  products_last_modified datetime,
  products_date_available datetime,
  products_weight decimal(5,2) NOT NULL,
  products_status tinyint(1) NOT NULL,
  products_tax_class_id int NOT NULL,
  manufacturers_id int,
  products_ordered int NOT NULL DEFAULT 0,
  PRIMARY KEY (products_id),
  KEY (products_model),
  KEY (products_date_added)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}products_description (
  products_id int NOT NULL,
  language_id int NOT NULL DEFAULT 1,
  products_name varchar(64) NOT NULL DEFAULT '',
  products_description text,
  products_url varchar(255),
  products_viewed int(5) DEFAULT 0,
  PRIMARY KEY (products_id, language_id),
  KEY (products_name)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}products_attributes (
  products_attributes_id int NOT NULL AUTO_INCREMENT,
  products_id int NOT NULL,
  options_id int NOT NULL,
  options_values_id int NOT NULL,
  options_values_price decimal(15,4) NOT NULL,
  price_prefix char(1) NOT NULL,
  PRIMARY KEY (products_attributes_id),
  KEY (products_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}products_attributes_download (
  products_attributes_id int NOT NULL,
  products_attributes_filename varchar(255) NOT NULL DEFAULT '',
  products_attributes_maxdays int(2) DEFAULT 0,
  products_attributes_maxcount int(2) DEFAULT 0,
  PRIMARY KEY (products_attributes_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}products_to_categories (
  products_id int NOT NULL,
  categories_id int NOT NULL,
  PRIMARY KEY (products_id, categories_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}orders (
  orders_id int NOT NULL AUTO_INCREMENT,
  customers_id int NOT NULL,
  customers_name varchar(64) NOT NULL,
  customers_company varchar(32),
  customers_street_address varchar(64) NOT NULL,
  customers_suburb varchar(32),
  customers_city varchar(32) NOT NULL,
  customers_postcode varchar(10) NOT NULL,
  customers_state varchar(32),
  customers_country varchar(32) NOT NULL,
  customers_telephone varchar(32) NOT NULL,
  customers_email_address varchar(96) NOT NULL,
  customers_address_format_id int(5) NOT NULL,
  delivery_name varchar(64) NOT NULL,
  delivery_company varchar(32),
  delivery_street_address varchar(64) NOT NULL,
  delivery_suburb varchar(32),
  delivery_city varchar(32) NOT NULL,
  delivery_postcode varchar(10) NOT NULL,
  delivery_state varchar(32),
  delivery_country varchar(32) NOT NULL,
  delivery_address_format_id int(5) NOT NULL,
  billing_name varchar(64) NOT NULL,
  billing_company varchar(32),
  billing_street_address varchar(64) NOT NULL,
  billing_suburb varchar(32),
  billing_city varchar(32) NOT NULL,
  billing_postcode varchar(10) NOT NULL,
  billing_state varchar(32),
  billing_country varchar(32) NOT NULL,
  billing_address_format_id int(5) NOT NULL,
  payment_method varchar(255) NOT NULL,
  cc_type varchar(20),
  cc_owner varchar(64),
  cc_number varchar(32),
  cc_expires varchar(4),
  last_modified datetime,
  date_purchased datetime,
  orders_status int(5) NOT NULL,
  orders_date_finished datetime,
  currency char(3),
  currency_value decimal(14,6),
  PRIMARY KEY (orders_id),
  KEY (customers_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}orders_products (
  orders_products_id int NOT NULL AUTO_INCREMENT,
  orders_id int NOT NULL,
  products_id int NOT NULL,
  products_model varchar(12),
  products_name varchar(64) NOT NULL,
  products_price decimal(15,4) NOT NULL,
  final_price decimal(15,4) NOT NULL,
  products_tax decimal(7,4) NOT NULL,
  products_quantity int(2) NOT NULL,
  PRIMARY KEY (orders_products_id),
  KEY (orders_id),
  KEY (products_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}orders_products_attributes (
  orders_products_attributes_id int NOT NULL AUTO_INCREMENT,
  orders_id int NOT NULL,
  orders_products_id int NOT NULL,
  products_options varchar(32) NOT NULL,
  products_options_values varchar(32) NOT NULL,
  options_values_price decimal(15,4) NOT NULL,
  price_prefix char(1) NOT NULL,
  PRIMARY KEY (orders_products_attributes_id),
  KEY (orders_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}orders_status (
  orders_status_id int NOT NULL DEFAULT 0,
  language_id int NOT NULL DEFAULT 1,
  orders_status_name varchar(32) NOT NULL,
  public_flag int DEFAULT 1,
  downloads_flag int DEFAULT 0,
  PRIMARY KEY (orders_status_id, language_id),
  KEY (orders_status_name)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}orders_status_history (
  orders_status_history_id int NOT NULL AUTO_INCREMENT,
  orders_id int NOT NULL,
  orders_status_id int(5) NOT NULL,
  date_added datetime NOT NULL,
  customer_notified int(1) DEFAULT 0,
  comments text,
  PRIMARY KEY (orders_status_history_id),
  KEY (orders_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}orders_total (
  orders_total_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  orders_id int NOT NULL,
  title varchar(255) NOT NULL,
  text varchar(255) NOT NULL,
  value decimal(15,4) NOT NULL,
  class varchar(32) NOT NULL,
  sort_order int NOT NULL,
  PRIMARY KEY (orders_total_id),
  KEY (orders_id)
) ENGINE={ENGINE} {COLLATION};
