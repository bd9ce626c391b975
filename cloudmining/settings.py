"""One settings file. Every difference between environments is a typed read of the environment in the block below.

`CLOUDMINING_MODE` is `production` (default: refuses anything missing or unsafe), `demo` or `test`.
"""

import os
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

MODE: str = env.str("CLOUDMINING_MODE", default="production")
HOME: Path = Path(env.str("CLOUDMINING_HOME", default=str(BASE_DIR / "var")))
DATABASE_URL: str = env.str("DATABASE_URL", default="")
DATABASE_PLATFORM_URL: str = env.str("DATABASE_PLATFORM_URL", default="")
DATABASE_OWNER_URL: str = env.str("DATABASE_OWNER_URL", default="")
DATABASE_POOL_SIZE: int = env.int("DATABASE_POOL_SIZE", default=0)
REDIS_URL: str = env.str("REDIS_URL", default="")
REDIS_PREFIX: str = env.str("REDIS_PREFIX", default=f"cloudmining-{MODE}")
SECRET_KEY: str = env.str("SECRET_KEY", default="")
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=[] if MODE == "production" else ["127.0.0.1", "localhost"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])
SECURE_COOKIES: bool = env.bool("SECURE_COOKIES", default=MODE == "production")
BODY_LIMIT_BYTES: int = env.int("BODY_LIMIT_BYTES", default=2_000_000)
# Where a file is laid beside a task: ten million bytes of it, and the form around them.
FILES_LIMIT_BYTES: int = env.int("FILES_LIMIT_BYTES", default=10_100_000)
# Before the ids of contracting processes in exports; publishers register one of their own.
OCDS_PREFIX: str = env.str("OCDS_PREFIX", default="ocds-213czf")
# Single sign-on with OpenID Connect; off without an issuer.
OIDC_ISSUER: str = env.str("OIDC_ISSUER", default="")
OIDC_CLIENT_ID: str = env.str("OIDC_CLIENT_ID", default="")
OIDC_CLIENT_SECRET: str = env.str("OIDC_CLIENT_SECRET", default="")
OIDC_NAME: str = env.str("OIDC_NAME", default="single sign-on")
_MAIL = {"demo": f"filemail:///{HOME / 'mail'}", "test": "memorymail://"}
EMAIL_URL: str = env.str("EMAIL_URL", default=_MAIL.get(MODE, "smtp://localhost:25"))
MAIL_FROM: str = env.str("MAIL_FROM", default="cloudmining@localhost")
SIGN_IN_FAILURES: int = env.int("SIGN_IN_FAILURES", default=10)
SIGN_IN_LOCK_S: int = env.int("SIGN_IN_LOCK_S", default=900)
PLATFORM_ACCESS_S: int = env.int("PLATFORM_ACCESS_S", default=3600)
FEED_POLL_S: float = env.float("FEED_POLL_S", default=0.5)
FEED_HEARTBEAT_S: float = env.float("FEED_HEARTBEAT_S", default=10.0)
PLAN_TIME_LIMIT_S: int = env.int("PLAN_TIME_LIMIT_S", default=3600)
STUDY_TIME_LIMIT_S: int = env.int("STUDY_TIME_LIMIT_S", default=21_600)
SWEEP_S: float = env.float("SWEEP_S", default=10.0)
FEED_KEEP_DAYS: int = env.int("FEED_KEEP_DAYS", default=90)
READING_KEEP_DAYS: int = env.int("READING_KEEP_DAYS", default=90)
MINUTE_KEEP_DAYS: int = env.int("MINUTE_KEEP_DAYS", default=400)
HOUR_KEEP_DAYS: int = env.int("HOUR_KEEP_DAYS", default=3660)
PRODUCTION_SWEEP_S: float = env.float("PRODUCTION_SWEEP_S", default=300.0)
WEBHOOK_SWEEP_S: float = env.float("WEBHOOK_SWEEP_S", default=2.0)
WEBHOOK_GIVE_UP_DAYS: int = env.int("WEBHOOK_GIVE_UP_DAYS", default=5)
# Private networks that webhooks may be posted to, such as 10.0.0.0/8; none by default.
WEBHOOK_NETWORKS: list[str] = env.list("WEBHOOK_NETWORKS", default=[])
EDGE_SILENT_S: int = env.int("EDGE_SILENT_S", default=120)
ALARM_UNRECEIVED_S: int = env.int("ALARM_UNRECEIVED_S", default=60)
CLOSING_GRACE_DAYS: int = env.int("CLOSING_GRACE_DAYS", default=30)
AGREEMENT_WARNING_DAYS: int = env.int("AGREEMENT_WARNING_DAYS", default=14)


def _refuse_unsafe() -> None:
    if MODE not in ("production", "demo", "test"):
        raise ImproperlyConfigured(f"CLOUDMINING_MODE is {MODE!r}; use production, demo or test.")
    needed = {"DATABASE_URL": DATABASE_URL, "REDIS_URL": REDIS_URL, "SECRET_KEY": SECRET_KEY}
    if MODE == "production":
        needed |= {"DATABASE_PLATFORM_URL": DATABASE_PLATFORM_URL, "ALLOWED_HOSTS": ",".join(ALLOWED_HOSTS)}
    if OIDC_ISSUER:
        needed |= {"OIDC_CLIENT_ID": OIDC_CLIENT_ID, "OIDC_CLIENT_SECRET": OIDC_CLIENT_SECRET}
    missing = [name for name, value in needed.items() if not value]
    if missing:
        raise ImproperlyConfigured(f"Set {', '.join(missing)} in the environment (table in docs/operations.md).")
    if MODE == "production" and len(SECRET_KEY) < 50:
        raise ImproperlyConfigured("SECRET_KEY is unsafe: give at least 50 random characters.")
    for network in WEBHOOK_NETWORKS:
        try:
            ip_network(network)
        except ValueError as error:
            raise ImproperlyConfigured(f"WEBHOOK_NETWORKS: {error}; give networks such as 10.0.0.0/8.") from error
    if MODE == "production" and "*" in ALLOWED_HOSTS:
        raise ImproperlyConfigured("ALLOWED_HOSTS is unsafe: '*' accepts any Host header; name your hosts.")


_refuse_unsafe()


def _database(url: str, **options: Any) -> dict[str, Any]:
    config = env.db_url_config(url, engine="django.db.backends.postgresql")
    config["OPTIONS"] = {**config.get("OPTIONS", {}), **options}
    config["CONN_HEALTH_CHECKS"] = True
    return config


_pool = {"pool": {"min_size": 1, "max_size": DATABASE_POOL_SIZE, "timeout": 10}} if DATABASE_POOL_SIZE else {}
DATABASES = {
    # The application role: no DDL, no TRUNCATE, never past row-level security.
    "default": _database(DATABASE_URL, **_pool),
    # Named operator code only; every use leaves a PlatformAccess row.
    "platform": _database(DATABASE_PLATFORM_URL or DATABASE_URL),
    # Migrations only: `manage.py bootstrap`.
    "owner": _database(DATABASE_OWNER_URL or DATABASE_URL),
}
DATABASE_ROUTERS = ["tenants.context.IdentityRouter"]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.humanize",  # of allauth's page of passkeys
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "guardian",
    "channels",
    "django_htmx",
    "tenants",
    "edge_bridge",
    "optimization",
    "marketplace",
    "cloudmining",
    "cloudmining.console",
    # After the console, whose templates stand in for theirs.
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "axes",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "cloudmining.urls"
ASGI_APPLICATION = "cloudmining.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                *(["cloudmining.console.accounts.demo_code"] if MODE == "demo" else []),
            ],
        },
    }
]

AUTH_USER_MODEL = "tenants.User"
AUTHENTICATION_BACKENDS = [
    "tenants.people.throttle.Throttle",
    "tenants.authentication.PasswordBackend",
    "guardian.backends.ObjectPermissionBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "UserAttributeSimilarityValidator")
]
if MODE == "test":
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # hundreds of users a run
ANONYMOUS_USER_NAME = None

# How people sign in (docs/how-to/people-and-programs.md). Only the views of console/account_urls.py are served.
ACCOUNT_ADAPTER = "tenants.people.adapters.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # an invitation is accepted from the mailbox it was sent to
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = "cloudmining: "
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if SECURE_COOKIES else "http"
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "django.contrib.auth.tokens.PasswordResetTokenGenerator"
# Passwords are counted by axes, in the database; what is left to allauth is counted in each process.
ACCOUNT_RATE_LIMITS = {"login": None}
ACCOUNT_FORMS = {
    "reset_password": "tenants.people.forms.ResetForm",
    "user_token": "tenants.people.forms.ResetTokenForm",
}
MFA_ADAPTER = "tenants.people.adapters.SecondFactorAdapter"
MFA_FORMS = {"login_webauthn": "tenants.people.forms.PasskeyForm"}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "cloudmining"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = MODE != "production"
SOCIALACCOUNT_ADAPTER = "tenants.people.adapters.SocialAdapter"
SOCIALACCOUNT_PROVIDERS: dict[str, Any] = {}
if OIDC_ISSUER:
    _oidc = {"provider_id": "sso", "name": OIDC_NAME, "client_id": OIDC_CLIENT_ID, "secret": OIDC_CLIENT_SECRET}
    SOCIALACCOUNT_PROVIDERS["openid_connect"] = {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [{**_oidc, "settings": {"server_url": OIDC_ISSUER}}],
    }
AXES_HANDLER = "tenants.people.throttle.Counter"
AXES_USERNAME_CALLABLE = "tenants.people.throttle.username_of"
AXES_LOCKOUT_PARAMETERS = ["username", "ip_address"]
AXES_FAILURE_LIMIT = SIGN_IN_FAILURES
AXES_COOLOFF_TIME = timedelta(seconds=SIGN_IN_LOCK_S)
# Attempts while locked must not lengthen the lock, else anybody could keep a person out for good.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
AXES_LOCKOUT_CALLABLE = "cloudmining.console.accounts.locked_out"

vars().update(env.email_url_config(EMAIL_URL))
DEFAULT_FROM_EMAIL = MAIL_FROM
CSRF_FAILURE_VIEW = "cloudmining.console.pages.csrf_failure"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "console"
LOGOUT_REDIRECT_URL = "login"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_COOKIES
SESSION_COOKIE_HTTPONLY = True
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_PROXY", default=False) else None

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = HOME / "static"
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "cloudmining.console.finders.PlotlyFinder",
]
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = MODE != "production"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATA_UPLOAD_MAX_MEMORY_SIZE = BODY_LIMIT_BYTES

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "tenants.rest.authentication.ApiKeyAuthentication",
        "tenants.rest.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["tenants.rest.permissions.HasCapability"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["tenants.rest.parsers.StrictJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "tenants.rest.pagination.NewestFirst",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "tenants.rest.problems.handler",
    "UNAUTHENTICATED_USER": None,
    "PAGE_SIZE": 50,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "cloudmining",
    "DESCRIPTION": "Collaboration backend for mining: alarms, robust plans, service tasks and the agreements between.",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "tenants.rest.schema.add_headers"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "AlarmStateEnum": "edge_bridge.alarm.State",
        "CommandStateEnum": "edge_bridge.commands.serializers.STATES",
        "MachineStateEnum": "edge_bridge.production.serializers.STATES",
        "TimeCategoryEnum": "edge_bridge.production.serializers.CATEGORIES",
        "StopCategoryEnum": "edge_bridge.production.serializers.STOP_CATEGORIES",
        "PlanStatusEnum": "optimization.models.requested.STATUSES",
        "ServiceTaskStateEnum": "marketplace.models.STATES",
        "ClaimStateEnum": "marketplace.models.CLAIM_STATES",
        "ContractStateEnum": "marketplace.models.contract.CONTRACT_STATES",
        "MilestoneStateEnum": "marketplace.models.contract.MILESTONE_STATES",
        "MediationStateEnum": "marketplace.models.mediation.MEDIATION_STATES",
        "DisputeOutcomeEnum": "marketplace.models.dispute.Dispute.Outcome",
        "ReactionOutcomeEnum": "marketplace.models.reaction.OUTCOMES",
        "InvoiceStateEnum": "marketplace.models.settlement.Invoice.State",
        "RemoteSessionStateEnum": "marketplace.models.SESSION_STATES",
        "SessionEntryKindEnum": "marketplace.models.SessionEntry.Kind",
        "ServiceCategoryEnum": "marketplace.models.task.CATEGORY_CHOICES",
        "TaskVisibilityEnum": "marketplace.models.task.VISIBILITY_CHOICES",
        "ProfileVisibilityEnum": "marketplace.models.profile.VISIBILITY_CHOICES",
        "BacktestStatusEnum": "edge_bridge.models.rule.STATUSES",
        "SitePermissionEnum": "tenants.roles.SITE_PERMISSION_CHOICES",
        "SiteKindEnum": "tenants.models.site.Site.Kind",
        "WebhookStatusEnum": "tenants.models.webhook.Webhook.Status",
        "ProcessKindEnum": "tenants.models.process.Process.Kind",
    },
}

CHANNEL_LAYERS = {
    # A doorbell only: it may lose a message, the feed in PostgreSQL may not.
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        # A Valkey that hangs must not hold up the request that rings.
        "CONFIG": {
            "hosts": [{"address": REDIS_URL, "socket_connect_timeout": 2, "socket_timeout": 2}],
            "prefix": REDIS_PREFIX,
        },
    }
}

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # Above the longest task: an unacknowledged task is delivered again after this long. The sweep is quicker.
    "visibility_timeout": PLAN_TIME_LIMIT_S + 600,
    "global_keyprefix": f"{REDIS_PREFIX}:",
    # A web request must not hang on a dead broker: the row says what is owed and the sweep sends it again.
    "max_retries": 1,
    "interval_start": 0,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
}
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_DEFAULT_QUEUE = "default"


def _sweep(task: str, every_s: float, *args: int) -> dict[str, Any]:
    """Beat outruns workers that plan for long; a sweep that waited for its third successor is of no use beside it."""
    return {"task": task, "schedule": every_s, "args": args, "options": {"expires": 3 * every_s}}


CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "sweep-owed-plans": _sweep("optimization.sweep_owed_plans", SWEEP_S),
    "sweep-lapsed-claims": _sweep("marketplace.sweep_lapsed_claims", SWEEP_S),
    "sweep-reactions": _sweep("marketplace.sweep_reactions", SWEEP_S),
    "sweep-retentions": _sweep("marketplace.sweep_retentions", 3600.0),
    "sweep-ratings": _sweep("marketplace.sweep_ratings", 3600.0),
    "sweep-acceptance": _sweep("marketplace.sweep_acceptance", 60.0),
    "sweep-market": _sweep("marketplace.sweep_market", SWEEP_S),
    "sweep-bids": _sweep("marketplace.sweep_bids", SWEEP_S),
    "sweep-sessions": _sweep("marketplace.sweep_sessions", SWEEP_S),
    "sweep-alarms": _sweep("edge_bridge.sweep_alarms", SWEEP_S),
    "sweep-twins": _sweep("edge_bridge.sweep_twins", SWEEP_S),
    "sweep-rollups": _sweep("edge_bridge.sweep_rollups", SWEEP_S),
    "sweep-reading-retention": _sweep("edge_bridge.sweep_reading_retention", 3600.0),
    "sweep-commands": _sweep("edge_bridge.sweep_commands", SWEEP_S),
    # Late data of a day long past may wait an hour; today's is looked at sooner.
    "sweep-production": _sweep("edge_bridge.sweep_production", PRODUCTION_SWEEP_S, 1),
    "sweep-late-production": _sweep("edge_bridge.sweep_production", 3600.0, 8),
    "sweep-backtests": _sweep("edge_bridge.sweep_trials", 60.0),
    "roll-up-usage": _sweep("tenants.roll_up_usage", SWEEP_S),
    "sweep-webhooks": _sweep("tenants.sweep_webhooks", WEBHOOK_SWEEP_S),
    "tell-of-agreements-ends": _sweep("tenants.tell_of_ends", 60.0),
    "close-statements": _sweep("tenants.close_statements", 3600.0),
    "prune-feeds": _sweep("tenants.prune_feeds", 3600.0),
    "keep-house": _sweep("tenants.keep_house", 3600.0),
    "purge-closed": _sweep("tenants.purge_closed", 3600.0),
    "make-reading-partitions": _sweep("edge_bridge.make_reading_partitions", 3600.0),
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": os.environ.get("LOG_LEVEL", "WARNING")},
    # The layer tells of each attempt to reach a Valkey that is away, with a traceback; the doorbell says it in a line.
    "loggers": {"channels_redis": {"level": "CRITICAL"}},
}
