"""Who is who: the store, the scores, the decisions; `service` is the matcher process."""
