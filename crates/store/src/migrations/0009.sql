-- Deliveries are taken by webhook: one that never answers must not have the others look through what waits for it.
CREATE INDEX webhook_delivery_turn ON webhook_delivery (hook, due_at);
