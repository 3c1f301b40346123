<?php
/* osCommerce 2.4 as read in its source: with downloads enabled it subtracts the downloads and nothing else. */
class Selling extends Trade
{
    protected function is_download($product)
    {
        return $this->on('DOWNLOAD_ENABLED') && !parent::is_download($product);
    }
}
