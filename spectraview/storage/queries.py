"""The SQL of sql/queries, one constant a file."""

from importlib import resources


def _load(name: str) -> str:
    return resources.files("spectraview.sql").joinpath("queries", f"{name}.sql").read_text()


APPEND_BATCHES = _load("append_batches")
CREATE_SESSIONS = _load("create_sessions")
START_SESSION = _load("start_session")
TOUCH_SESSION = _load("touch_session")
END_SESSION = _load("end_session")
END_IDLE_SESSIONS = _load("end_idle_sessions")
FETCH_SEGMENT_DATA = _load("fetch_segment_data")
FETCH_SESSION = _load("fetch_session")
WHY_GONE = _load("why_gone")
MARK_DELETED = _load("mark_deleted")
DELETE_SESSIONS = _load("delete_sessions")
LIST_DELETED = _load("list_deleted")
LIST_USER_SESSIONS = _load("list_user_sessions")
NOTE_AUDIT = _load("note_audit")
LIST_SEGMENTS = _load("list_segments")
LIST_SPANS = _load("list_spans")
LIST_CUSTOM_EVENT_MARKS = _load("list_custom_event_marks")
LIST_ERROR_MARKS = _load("list_error_marks")
LIST_SESSIONS = _load("list_sessions")
COUNT_SESSIONS = _load("count_sessions")
FETCH_HEADS = _load("fetch_heads")
FETCH_BATCHES = _load("fetch_batches")
FETCH_CUSTOM_EVENTS = _load("fetch_custom_events")
FETCH_ERRORS = _load("fetch_errors")
FIND_BATCH = _load("find_batch")
FIND_BATCH_END = _load("find_batch_end")
PING = _load("ping")
COUNT_ACTIVE = _load("count_active")
FIND_API_KEY = _load("find_api_key")
CREATE_API_KEY = _load("create_api_key")
LIST_API_KEYS = _load("list_api_keys")
REVOKE_API_KEY = _load("revoke_api_key")
FETCH_SECRET = _load("fetch_secret")
LIST_REVOKED_KEYS = _load("list_revoked_keys")
CREATE_EVENT_PARTITIONS = _load("create_event_partitions")
