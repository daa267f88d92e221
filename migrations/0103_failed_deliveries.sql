-- How many deliveries failed, without a look at each that ended.
CREATE INDEX webhook_delivery_failed ON webhook_delivery (state) WHERE state = 'failed';
