// Draws visualization_msgs/MarkerArray with three.js: the same markers that RViz shows, in the store frame (z up, metres).
import * as THREE from "./vendor/three.module.min.js";
import { OrbitControls } from "./vendor/OrbitControls.js";

const CUBE = 1, SPHERE = 2, CYLINDER = 3, LINE_STRIP = 4, LINE_LIST = 5, CUBE_LIST = 6, SPHERE_LIST = 7, TEXT = 9;
const UNIT = {
  cube: new THREE.BoxGeometry(1, 1, 1),
  sphere: new THREE.SphereGeometry(0.5, 16, 12),
  // three's cylinder stands along y, a marker's along z.
  cylinder: new THREE.CylinderGeometry(0.5, 0.5, 1, 20).rotateX(Math.PI / 2),
  rod: new THREE.CylinderGeometry(0.5, 0.5, 1, 6).rotateX(Math.PI / 2),
};
const GEOMETRY = { [CUBE]: UNIT.cube, [SPHERE]: UNIT.sphere, [CYLINDER]: UNIT.cylinder };
const AXIS = new THREE.Vector3(0, 0, 1);

export class FloorView {
  constructor(canvas, labelLayer) {
    this.canvas = canvas;
    this.labelLayer = labelLayer;
    this.renderer = new THREE.WebGLRenderer({ canvas, antialias: true });
    this.renderer.setClearColor(0xf6f8f9);
    this.scene = new THREE.Scene();
    this.scene.add(new THREE.HemisphereLight(0xffffff, 0xb8bec6, 2.2));
    const sun = new THREE.DirectionalLight(0xffffff, 1.6);
    sun.position.set(-4, -6, 10);
    this.scene.add(sun);
    this.camera = new THREE.PerspectiveCamera(42, 1, 0.1, 200);
    this.camera.up.set(0, 0, 1);
    this.controls = new OrbitControls(this.camera, canvas);
    this.controls.maxPolarAngle = 1.5;
    this.controls.addEventListener("change", () => this.requestDraw());
    this.objects = new Map();
    this.texts = new Map();
    this.framed = false;
    new ResizeObserver(() => this.resize()).observe(canvas.parentElement);
  }

  clear() {
    for (const key of [...this.objects.keys(), ...this.texts.keys()]) this.setMarker(key, null);
    this.framed = false;
  }

  setMarker(key, marker) {
    this.remove(key);
    if (marker) {
      if (marker.type === TEXT) this.addText(key, marker);
      else this.addObject(key, marker);
      if (marker.ns === "floor" && !this.framed) this.frame(marker);
    }
    this.requestDraw();
  }

  shopperColour(track) {
    const body = this.objects.get(`markers/shoppers/body/${track}`);
    return body ? `#${body.material.color.getHexString()}` : null;
  }

  remove(key) {
    const object = this.objects.get(key);
    if (object) {
      this.scene.remove(object);
      object.material.dispose();
      if (object.isInstancedMesh) object.dispose();
      this.objects.delete(key);
    }
    this.texts.get(key)?.span.remove();
    this.texts.delete(key);
  }

  addText(key, marker) {
    const span = document.createElement("span");
    span.textContent = marker.text;
    span.className = marker.ns;
    this.labelLayer.append(span);
    this.texts.set(key, { span, position: new THREE.Vector3(...marker.position) });
  }

  addObject(key, marker) {
    const object = this.build(marker);
    if (!object) return;
    object.position.set(...marker.position);
    object.quaternion.set(...marker.orientation);
    this.scene.add(object);
    this.objects.set(key, object);
  }

  build(marker) {
    const [red, green, blue, alpha] = marker.color;
    const colour = new THREE.Color().setRGB(red, green, blue, THREE.SRGBColorSpace);
    const material = new THREE.MeshLambertMaterial({
      color: marker.colors.length ? 0xffffff : colour, transparent: alpha < 1, opacity: alpha, depthWrite: alpha > 0.9,
    });
    if (marker.type in GEOMETRY) {
      const mesh = new THREE.Mesh(GEOMETRY[marker.type], material);
      mesh.scale.set(...marker.scale);
      return mesh;
    }
    const matrices = this.instances(marker);
    if (!matrices) return null;
    const geometry = { [CUBE_LIST]: UNIT.cube, [SPHERE_LIST]: UNIT.sphere }[marker.type] ?? UNIT.rod;
    const mesh = new THREE.InstancedMesh(geometry, material, matrices.length);
    mesh.frustumCulled = false;
    matrices.forEach((matrix, index) => {
      mesh.setMatrixAt(index, matrix);
      if (marker.colors.length >= 3 * (index + 1))
        mesh.setColorAt(index, new THREE.Color().setRGB(...marker.colors.slice(3 * index, 3 * index + 3), THREE.SRGBColorSpace));
    });
    return mesh;
  }

  instances(marker) {
    const points = [];
    for (let i = 0; i + 2 < marker.points.length; i += 3) points.push(new THREE.Vector3(...marker.points.slice(i, i + 3)));
    if (marker.type === CUBE_LIST || marker.type === SPHERE_LIST) {
      const scale = new THREE.Vector3(...marker.scale);
      return points.map((point) => new THREE.Matrix4().compose(point, new THREE.Quaternion(), scale));
    }
    const pairs = [];
    if (marker.type === LINE_LIST) for (let i = 0; i + 1 < points.length; i += 2) pairs.push([points[i], points[i + 1]]);
    else if (marker.type === LINE_STRIP) for (let i = 0; i + 1 < points.length; i++) pairs.push([points[i], points[i + 1]]);
    else return null;
    return pairs.map(([from, to]) => {
      const along = to.clone().sub(from);
      const length = along.length() || 1e-6;
      const turn = new THREE.Quaternion().setFromUnitVectors(AXIS, along.divideScalar(length));
      return new THREE.Matrix4().compose(from.clone().add(to).multiplyScalar(0.5), turn,
        new THREE.Vector3(marker.scale[0], marker.scale[0], length));
    });
  }

  frame(floor) {
    this.framed = true;
    const [x, y] = floor.position;
    const size = Math.max(floor.scale[0], floor.scale[1]);
    this.controls.target.set(x, y, 0.4);
    this.camera.position.set(x, y - 0.85 * size, 0.95 * size);
    this.controls.update();
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.canvas.parentElement;
    if (!width || !height) return;
    this.renderer.setSize(width, height, false);
    this.camera.aspect = width / height;
    this.camera.updateProjectionMatrix();
    this.draw(); // setting the size has emptied the canvas, and it is painted before the next animation frame
  }

  requestDraw() {
    if (this.pending) return;
    this.pending = requestAnimationFrame(() => {
      this.pending = 0;
      this.draw();
    });
  }

  draw() {
    this.renderer.render(this.scene, this.camera);
    const { clientWidth: width, clientHeight: height } = this.canvas;
    for (const { span, position } of this.texts.values()) {
      const at = position.clone().project(this.camera);
      span.hidden = at.z > 1;
      span.style.left = `${((at.x + 1) / 2) * width}px`;
      span.style.top = `${((1 - at.y) / 2) * height}px`;
    }
  }
}
