AND (%(before_created)s::timestamptz IS NULL OR ({created_at}, {id}) < (%(before_created)s, %(before_id)s::uuid))
ORDER BY {created_at} DESC, {id} DESC
LIMIT %(reach)s
