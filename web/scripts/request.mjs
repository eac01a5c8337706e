// Writes what the forms need of the OpenAPI document: what a request may have, and its limits.
import { readFileSync, writeFileSync } from "node:fs";

const document = JSON.parse(readFileSync(new URL("../../docs/reference/openapi.json", import.meta.url), "utf8"));
const { Request, Topology } = document.components.schemas;
writeFileSync(new URL("../src/api/request.json", import.meta.url), JSON.stringify({ Request, Topology }, null, 2) + "\n");
