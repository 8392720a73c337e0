# The `lore` command in an environment of its own. Build and run through docker-compose.yml, or
#   docker build -t infralore . && docker run --rm -v "$PWD:/work:ro" -v lore-data:/data infralore status
FROM python:3.11-slim AS build
ENV UV_PROJECT_ENVIRONMENT=/opt/infralore UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1
RUN pip install --no-cache-dir --disable-pip-version-check uv
WORKDIR /src
COPY pyproject.toml uv.lock README.md LICENSE ./
RUN uv sync --frozen --no-dev --no-install-project
COPY agent agent
COPY api api
COPY graph graph
COPY ingest ingest
RUN uv sync --frozen --no-dev --no-editable

FROM python:3.11-slim
# Charts are drawn with a font. git reads the histories; they are mounted and belong to the host's user, which git refuses unless told otherwise.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends fonts-dejavu-core git \
    && rm -rf /var/lib/apt/lists/* \
    && git config --system --add safe.directory '*' \
    && useradd --uid 10001 --create-home lore \
    && install --directory --owner=lore /data
COPY --from=build /opt/infralore /opt/infralore
ENV PATH=/opt/infralore/bin:$PATH XDG_DATA_HOME=/data
USER lore
WORKDIR /work
ENTRYPOINT ["lore"]
CMD ["status"]
