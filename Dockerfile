# Pinned by tag: to be exact, add the digest of the day (`docker buildx imagetools inspect python:3.12-slim`) as
# --build-arg PYTHON=python:3.12-slim@sha256:… ; it is not written here because it is not ours to keep current.
ARG PYTHON=python:3.12-slim

FROM ${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ONLY_BINARY=:all: PIP_ROOT_USER_ACTION=ignore
WORKDIR /src

# What it runs on comes first: this layer changes only with the lock.
COPY requirements/ requirements/
RUN python -m venv /opt/smallfirst \
    && /opt/smallfirst/bin/pip install --require-hashes -r requirements/run.txt \
    && python -m venv /opt/build \
    && /opt/build/bin/pip install --require-hashes -r requirements/build.txt

COPY pyproject.toml LICENSE README.md ./
COPY router/ router/
RUN /opt/build/bin/hatchling build --target wheel \
    && /opt/smallfirst/bin/pip install --no-deps dist/*.whl \
    && /opt/smallfirst/bin/pip check


FROM ${PYTHON}
LABEL org.opencontainers.image.title="smallfirst" \
      org.opencontainers.image.description="OpenAI-compatible proxy: easy requests to a small fine-tuned model, hard ones to a large prompted one" \
      org.opencontainers.image.licenses="Apache-2.0"

# Nobody's account, and one folder of its own: what it learns. Mount a volume there; the rest may be read-only.
RUN groupadd --gid 10001 smallfirst \
    && useradd --uid 10001 --gid smallfirst --no-create-home --home-dir /var/lib/smallfirst --shell /usr/sbin/nologin smallfirst \
    && install --directory --owner smallfirst --group smallfirst --mode 0750 /var/lib/smallfirst \
    && install --directory /etc/smallfirst
COPY --from=build /opt/smallfirst /opt/smallfirst
ENV PATH=/opt/smallfirst/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1

USER 10001:10001
WORKDIR /var/lib/smallfirst
VOLUME ["/var/lib/smallfirst"]
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 CMD ["python", "-c", "from http.client import HTTPConnection as C; from router.settings import Settings; c = C('127.0.0.1', Settings.read().port, timeout=2); c.request('GET', '/healthz'); raise SystemExit(c.getresponse().status != 200)"]

ENTRYPOINT ["smallfirst"]
CMD ["serve", "--policy", "/etc/smallfirst", "--host", "0.0.0.0"]
