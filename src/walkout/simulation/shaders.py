"""GLSL programs of the renderer."""

from __future__ import annotations

MESH_VERTEX = """#version 330
uniform mat4 view_projection;
in vec3 position; in vec3 normal; in vec2 uv; in vec4 colour; in float layer; in float id;
out vec3 v_world; out vec3 v_normal; out vec3 v_uv; out vec3 v_colour; flat out float v_layer; flat out uint v_id;
void main() {
    v_world = position; v_normal = normal; v_uv = vec3(uv, 2.0); v_colour = colour.rgb;
    v_layer = layer; v_id = uint(id + 0.5);
    gl_Position = view_projection * vec4(position, 1.0);
}
"""

PEOPLE_VERTEX = """#version 330
uniform mat4 view_projection; uniform sampler3D volume; uniform vec3 volume_low; uniform vec3 volume_scale;
uniform mat4 light_view; uniform vec3 light_direction; uniform vec3 light_tint; uniform vec3 eye;
in vec3 position; in vec3 normal; in vec2 uv; in vec4 colour; in float layer; in float id;
out vec3 v_shadow; out vec3 v_ambient; out vec3 v_key; out vec2 v_uv; flat out float v_layer; flat out uint v_id;
void main() {
    vec3 n = normalize(normal);
    float open = textureLod(volume, (position + n * 0.05 - volume_low) * volume_scale, 0.0).r;
    float toward = max(dot(n, normalize(eye - position)), 0.0);
    float facing = max(dot(n, light_direction), 0.0);
    vec3 lit = colour.rgb * light_tint;
    v_ambient = lit * open * open * (0.46 + 0.20 * n.z + 0.14 * toward);
    v_key = lit * 0.52 * facing * (0.35 + 0.65 * open);
    v_shadow = (light_view * vec4(position + n * 0.012, 1.0)).xyz - vec3(0.0, 0.0, 0.0015);
    v_uv = uv; v_layer = layer; v_id = uint(id + 0.5);
    gl_Position = view_projection * vec4(position, 1.0);
}
"""

PEOPLE = """#version 330
in vec3 v_shadow; in vec3 v_ambient; in vec3 v_key; in vec2 v_uv; flat in float v_layer; flat in uint v_id;
layout(location = 0) out vec4 o_colour; layout(location = 1) out uint o_id;
uniform sampler2DArray labels; uniform sampler2DShadow fixed_shadow; uniform sampler2DShadow live_shadow;
void main() {
    float sun = min(texture(fixed_shadow, v_shadow), texture(live_shadow, v_shadow));
    vec3 full = v_ambient + v_key * sun;
    if (v_layer >= 0.0) {
        vec3 cloth = texture(labels, vec3(v_uv, v_layer)).rgb;
        full *= cloth * cloth;
    }
    full = full * (1.0 + full * 0.25) / (1.0 + full * 0.55);
    o_colour = vec4(sqrt(clamp(full.bgr, 0.0, 1.0)), 0.0);
    o_id = v_id;
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

_SHADE = """#version 330
#define LIVE %d
in vec3 v_world; in vec3 v_normal; in vec3 v_uv; in vec3 v_colour; flat in float v_layer; flat in uint v_id;
layout(location = 0) out vec4 o_colour; layout(location = 1) out uint o_id;
uniform sampler2DArray labels; uniform sampler3D volume;
uniform sampler2DShadow fixed_shadow; uniform sampler2DShadow live_shadow;
uniform vec3 volume_low; uniform vec3 volume_scale; uniform mat4 light_view; uniform vec3 light_direction;
uniform vec3 light_tint; uniform vec3 eye; uniform float shine;
void main() {
    vec3 n = normalize(v_normal);
    if (!gl_FrontFacing) n = -n;
    vec3 albedo = v_colour;
    if (v_layer >= 0.0) {
        // Pictures count as gamma 2. Weight 0: the package's own colour, 1: the label, 2: a pattern on coloured cloth.
        vec3 label = texture(labels, vec3(v_uv.xy, v_layer)).rgb;
        albedo = v_uv.z > 1.5 ? v_colour * label * label : mix(v_colour, label * label, v_uv.z);
    }
    float open = texture(volume, (v_world + n * 0.05 - volume_low) * volume_scale).r;
    vec3 q = (light_view * vec4(v_world + n * 0.012, 1.0)).xyz;
    q.z -= 0.0015;
#if LIVE
    float sun = min(texture(fixed_shadow, q), texture(live_shadow, q));
#else
    const float s = 0.0016;
    vec3 u = vec3(s, 0.4 * s, 0.0), v = vec3(-0.4 * s, s, 0.0);
    float sun = 0.25 * (texture(fixed_shadow, q + u) + texture(fixed_shadow, q - u)
        + texture(fixed_shadow, q + v) + texture(fixed_shadow, q - v));
#endif
    vec3 toward = normalize(eye - v_world);
    float facing = max(dot(n, light_direction), 0.0);
    float ambient = open * open * (0.46 + 0.20 * n.z + 0.14 * max(dot(n, toward), 0.0));
    float key = 0.52 * facing * (0.35 + 0.65 * open) * sun;
    vec3 dim = albedo * ambient * light_tint;
    vec3 full = albedo * (ambient + key) * light_tint;
    if (shine > 0.0) {
        float glint = max(dot(n, normalize(light_direction + toward)), 0.0);
        glint *= glint; glint *= glint; glint *= glint; glint *= glint;
        full += shine * glint * sun * light_tint;
    }
    // A soft shoulder instead of clipping keeps labels readable in strong light.
    full = full * (1.0 + full * 0.25) / (1.0 + full * 0.55);
    o_colour.rgb = sqrt(clamp(full.bgr, 0.0, 1.0));
#if LIVE
    o_colour.a = 0.0;
#else
    // The share of the colour that goes when people shade the key light; the shown colour is a square root.
    o_colour.a = 1.0 - sqrt(clamp((dim.r + dim.g + dim.b) / max(full.r + full.g + full.b, 1e-4), 0.0, 1.0));
#endif
    o_id = v_id;
}
"""

SHADE_STILL = _SHADE % 0
SHADE_LIVE = _SHADE % 1

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

FLAT = """#version 330
in vec2 corner;
void main() { gl_Position = vec4(corner, 0.0, 1.0); }
"""

CAST = """#version 330
layout(location = 0) out vec4 o_colour;
uniform sampler2D still_colour; uniform sampler2D still_depth; uniform sampler2DShadow live_shadow;
uniform mat4 pixel_to_light;
void main() {
    ivec2 at = ivec2(gl_FragCoord.xy);
    vec4 still = texelFetch(still_colour, at, 0);
    if (still.a > 0.02) {
        vec4 q = pixel_to_light * vec4(gl_FragCoord.xy, texelFetch(still_depth, at, 0).r, 1.0);
        vec3 p = q.xyz / q.w - vec3(0.0, 0.0, 0.002);
        const float s = 0.0014;
        vec3 u = vec3(s, 0.4 * s, 0.0);
        float lit = 0.5 * (texture(live_shadow, p + u) + texture(live_shadow, p - u));
        still.rgb *= 1.0 - still.a * (1.0 - lit);
    }
    o_colour = still;
}
"""
