import { describe, expect, it } from "vitest";
import openapi from "../../../docs/reference/openapi.json";
import made from "../api/request.json";
import { locate } from "./locate";
import { blank, type Draft, prefilled, requestOf, schemaOf, typeOf } from "./request";

function draft(typed: Partial<Draft>): Draft {
  return { ...blank, ...typed };
}

describe("what the forms know of a request", () => {
  it("is what the OpenAPI document says now (npm run types writes it)", () => {
    const { Request, Topology } = openapi.components.schemas;
    expect(made).toEqual({ Request, Topology });
  });
  it("has every field that the API has, but the scheduler, which is this one", () => {
    const known = Object.keys(blank).map((name) => name.split(".")[0]);
    expect(Object.keys(made.Request.properties).filter((name) => !known.includes(name))).toEqual(["schedulerName"]);
    expect(Object.keys(made.Topology.properties).filter((name) => !Object.hasOwn(blank, "topology." + name))).toEqual([]);
  });
  it("has limits and kinds", () => {
    expect(schemaOf("replicas").maximum).toBe(100_000);
    expect(typeOf("topology.sliceSize")).toBe("integer");
    expect(typeOf("command")).toBe("array");
  });
});

describe("a request", () => {
  it("has what was typed, each as the API takes it, and nothing that is empty", () => {
    const typed = draft({
      name: " training ",
      image: "busybox:1.37",
      command: "sleep 1h",
      replicas: "4",
      cpu: "500m",
      resources: "example.com/nic: 1",
      "topology.required": "example.com/rack",
      "topology.preferred": "example.com/block, example.com/zone",
      torchrun: "true",
    });
    expect(requestOf(typed, "submit").request).toEqual({
      name: "training",
      image: "busybox:1.37",
      command: ["sleep", "1h"],
      replicas: 4,
      cpu: "500m",
      resources: { "example.com/nic": "1" },
      topology: { required: "example.com/rack", preferred: ["example.com/block", "example.com/zone"] },
      torchrun: true,
    });
  });
  it("that asks what would happen needs no name and no image, and leaves out what the containers do", () => {
    const { request } = requestOf(draft({ cpu: "8", command: "sleep 1h" }), "what-if");
    expect(request).toEqual({ name: "what-if", image: "busybox:1.37", cpu: "8" });
  });
  it("that cannot be read has a problem as the server has them", () => {
    const { request, problem } = requestOf(draft({ command: "echo 'a" }), "submit");
    expect(request).toBeUndefined();
    expect(locate(problem ?? {}).fields.command).toEqual(["a quote ' is not closed"]);
  });
});

describe("a link to what-if", () => {
  it("sets the shape that it has, and empties the shape of before", () => {
    const before = draft({ name: "training", cpu: "1", minAvailable: "9" });
    const after = prefilled(before, new URLSearchParams("cpu=8&memory=32Gi&gpu=1&replicas=4"));
    expect(after).toEqual(draft({ name: "training", cpu: "8", memory: "32Gi", gpu: "1", replicas: "4" }));
  });
  it("leaves what was typed if it has no shape", () => {
    const before = draft({ cpu: "1" });
    expect(prefilled(before, new URLSearchParams("other=1&replicas=many"))).toBe(before);
  });
});

describe("the errors of a problem", () => {
  it("are beside the fields that they are about, and the others are in a list of their own", () => {
    const at = (location: string) => ({ location, message: "is wrong" });
    const located = locate({
      errors: [
        at("body.minAvailable"),
        at("body.topology.preferred"),
        at("body.resources.example.com/nic"),
        at("body.command[1]"),
        at("spec.template.spec.containers[0].image"),
        at("body.named"),
      ],
    });
    expect(located.fields).toEqual({
      minAvailable: ["is wrong"],
      "topology.preferred": ["is wrong"],
      resources: ["example.com/nic: is wrong"],
      command: ["[1]: is wrong"],
    });
    expect(located.others.map((other) => other.location)).toEqual(["spec.template.spec.containers[0].image", "body.named"]);
  });
});
