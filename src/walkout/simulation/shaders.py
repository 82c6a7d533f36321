"""GLSL programs of the renderer."""

from __future__ import annotations

MESH_VERTEX = """#version 330
uniform mat4 view_projection;
in vec3 position; in vec3 normal; in vec2 uv; in vec4 colour; in float layer; in float id;
out vec3 v_world; out vec3 v_normal; out vec3 v_uv; out vec3 v_colour; flat out float v_layer; flat out uint v_id;
void main() {
    v_world = position; v_normal = normal; v_uv = vec3(uv, 1.0); v_colour = colour.rgb; v_layer = layer; v_id = uint(id + 0.5);
    gl_Position = view_projection * vec4(position, 1.0);
}
"""

ITEM_VERTEX = """#version 330
uniform mat4 view_projection;
in vec3 position; in vec3 normal; in vec3 uv;
in vec4 place; in vec3 size; in vec3 cap; in float layer; in float id;
out vec3 v_world; out vec3 v_normal; out vec3 v_uv; out vec3 v_colour; flat out float v_layer; flat out uint v_id;
void main() {
    float c = cos(place.w), s = sin(place.w);
    vec3 p = position * size, n = normal / size;
    v_world = vec3(c * p.x - s * p.y, s * p.x + c * p.y, p.z) + place.xyz;
    v_normal = vec3(c * n.x - s * n.y, s * n.x + c * n.y, n.z);
    v_uv = uv; v_colour = cap; v_layer = layer; v_id = uint(id + 0.5);
    gl_Position = view_projection * vec4(v_world, 1.0);
}
"""

SHADE = """#version 330
in vec3 v_world; in vec3 v_normal; in vec3 v_uv; in vec3 v_colour; flat in float v_layer; flat in uint v_id;
layout(location = 0) out vec4 o_colour; layout(location = 1) out uint o_id;
uniform sampler2DArray labels; uniform sampler3D volume; uniform sampler2DShadow fixed_shadow; uniform sampler2DShadow live_shadow;
uniform vec3 volume_low; uniform vec3 volume_size; uniform mat4 light_view; uniform vec3 light_direction;
uniform vec3 light_tint; uniform vec3 eye; uniform float live; uniform float shine;
float lit(sampler2DShadow map, vec3 q, float spread) {
    return 0.25 * (texture(map, q + vec3(spread, 0.4 * spread, 0.0)) + texture(map, q + vec3(-spread, -0.4 * spread, 0.0))
        + texture(map, q + vec3(-0.4 * spread, spread, 0.0)) + texture(map, q + vec3(0.4 * spread, -spread, 0.0)));
}
void main() {
    vec3 n = normalize(v_normal);
    if (!gl_FrontFacing) n = -n;
    vec3 albedo = v_colour;
    if (v_layer >= 0.0) {
        vec3 label = texture(labels, vec3(v_uv.xy, v_layer)).rgb;
        // Pictures count as gamma 2; parts of a package without label keep the cap's colour.
        albedo = mix(v_colour, label * label, v_uv.z);
    }
    vec3 at = (v_world + n * 0.05 - volume_low) / volume_size;
    float open = texture(volume, at).r;
    float facing = max(dot(n, light_direction), 0.0);
    vec3 toward = normalize(eye - v_world);
    vec3 q = (light_view * vec4(v_world + n * 0.012, 1.0)).xyz * 0.5 + 0.5;
    q.z -= 0.0015;
    float sun = lit(fixed_shadow, q, 0.0016);
    if (live > 0.5) sun = min(sun, lit(live_shadow, q, 0.0014));
    float ambient = open * open * (0.50 + 0.22 * n.z + 0.16 * max(dot(n, toward), 0.0));
    float key = 0.62 * facing * mix(0.35, 1.0, open);
    float glint = pow(max(dot(n, normalize(light_direction + toward)), 0.0), 24.0) * shine;
    vec3 dim = albedo * ambient * light_tint;
    vec3 full = dim + (albedo * key + glint) * sun * light_tint;
    vec3 shown = sqrt(clamp(full, 0.0, 1.0));
    float shade = sqrt(clamp(dot(dim, vec3(0.34)), 0.0, 1.0));
    float share = 1.0 - shade / max(sqrt(dot(clamp(full, 0.0, 1.0), vec3(0.34))), 1e-3);
    o_colour = vec4(shown.bgr, clamp(share, 0.0, 1.0));
    o_id = v_id;
}
"""

GLASS = """#version 330
in vec3 v_world; in vec3 v_normal; in vec3 v_uv; in vec3 v_colour; flat in float v_layer; flat in uint v_id;
layout(location = 0) out vec4 o_colour;
uniform vec3 eye; uniform vec3 light_tint;
void main() {
    float slant = 1.0 - abs(dot(normalize(v_normal), normalize(eye - v_world)));
    float share = 0.06 + 0.30 * slant * slant * slant;
    o_colour = vec4(sqrt(v_colour.bgr * light_tint.bgr * 0.8), share);
}
"""

MESH_DEPTH = """#version 330
uniform mat4 view_projection; in vec3 position;
void main() { gl_Position = view_projection * vec4(position, 1.0); }
"""

ITEM_DEPTH = """#version 330
uniform mat4 view_projection; in vec3 position; in vec4 place; in vec3 size;
void main() {
    float c = cos(place.w), s = sin(place.w);
    vec3 p = position * size;
    gl_Position = view_projection * vec4(vec3(c * p.x - s * p.y, s * p.x + c * p.y, p.z) + place.xyz, 1.0);
}
"""

NOTHING = """#version 330
void main() {}
"""

FULL_SCREEN = """#version 330
in vec2 corner;
void main() { gl_Position = vec4(corner, 0.0, 1.0); }
"""

RESTORE = """#version 330
layout(location = 0) out vec4 o_colour; layout(location = 1) out uint o_id;
uniform sampler2D still_colour; uniform usampler2D still_id; uniform sampler2D still_depth; uniform sampler2DShadow live_shadow;
uniform mat4 pixel_to_light; uniform float shadows;
void main() {
    ivec2 at = ivec2(gl_FragCoord.xy);
    vec4 still = texelFetch(still_colour, at, 0);
    float depth = texelFetch(still_depth, at, 0).r;
    float shadow = 0.0;
    if (shadows > 0.5 && still.a > 0.02) {
        vec4 q = pixel_to_light * vec4(gl_FragCoord.xy, depth, 1.0);
        vec3 p = q.xyz / q.w;
        p.z -= 0.002;
        const float spread = 0.0030;
        shadow = 1.0 - 0.25 * (texture(live_shadow, p + vec3(spread, 0.4 * spread, 0.0))
            + texture(live_shadow, p + vec3(-spread, -0.4 * spread, 0.0))
            + texture(live_shadow, p + vec3(-0.4 * spread, spread, 0.0)) + texture(live_shadow, p + vec3(0.4 * spread, -spread, 0.0)));
    }
    o_colour = vec4(still.rgb * (1.0 - still.a * shadow), 1.0);
    o_id = texelFetch(still_id, at, 0).r;
    gl_FragDepth = depth;
}
"""
