# The playground: API and page from one process, training in processes beside it.
# The image is built in two steps, so that what builds (Node, npm's modules, pip) stays out of what runs.
FROM python:3.12-slim AS build
WORKDIR /source
COPY pyproject.toml hatch_build.py README.md ./
COPY engine engine
COPY backend backend
COPY frontend frontend
RUN python -m venv --without-pip /opt/playground \
    && python -m pip --python /opt/playground/bin/python install --no-cache-dir .

FROM python:3.12-slim
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin playground \
    && mkdir /data \
    && chown playground:playground /data
COPY --from=build /opt/playground /opt/playground
# 0.0.0.0 is the container's own network: who may reach it is decided by the port that is published.
ENV PATH=/opt/playground/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PLAYGROUND_DATA_DIR=/data \
    XDG_CACHE_HOME=/data/cache \
    PLAYGROUND_HOST=0.0.0.0 \
    PLAYGROUND_PORT=8000 \
    PLAYGROUND_ALLOW_REMOTE=true
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["playground", "healthz"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["playground", "--no-browser"]
