FROM node:24.21.0-trixie-slim AS web

WORKDIR /web
COPY spectraview/web ./
RUN npm ci --ignore-scripts --no-audit --no-fund && npm run build

FROM python:3.13.16-slim-trixie

WORKDIR /app
COPY setup.cfg pyproject.toml README.md LICENSE ./
COPY sql sql
COPY spectraview spectraview
COPY --from=web /web/dist spectraview/web/dist
RUN pip install --no-cache-dir --only-binary :all: . \
    && useradd --system --uid 10001 --user-group --home-dir /var/lib/spectraview --create-home spectraview

USER 10001:10001
# keys.json; also the database and the cache where DATABASE_URL and REDIS_URL are not set.
VOLUME /var/lib/spectraview
EXPOSE 3001
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:3001/health/ready', timeout=4)"]
CMD ["spectraview", "serve", "--host", "0.0.0.0", "--port", "3001", "--data-dir", "/var/lib/spectraview"]
