# Prepare a shell for Walkout: source env.sh (bash or zsh, from any folder). Run `make setup` once before.
_walkout_root=$(cd "$(dirname "${BASH_SOURCE[0]:-${(%):-%x}}")" && pwd)
if [ ! -x "$_walkout_root/.venv/bin/python" ] || [ ! -f "$_walkout_root/install/setup.sh" ]; then
  echo "env.sh: error: $_walkout_root is not set up; run: make -C $_walkout_root setup" >&2
  unset _walkout_root
  return 1
fi
_walkout_shell=$([ -n "${ZSH_VERSION:-}" ] && echo zsh || echo bash)
if [ -n "${ROS_DISTRO:-}" ] && [ -f "/opt/ros/$ROS_DISTRO/setup.$_walkout_shell" ]; then
  . "/opt/ros/$ROS_DISTRO/setup.$_walkout_shell"
else
  case ":${AMENT_PREFIX_PATH:-}:" in
    *":$_walkout_root/.venv:"*) ;;
    *) export AMENT_PREFIX_PATH="$_walkout_root/.venv${AMENT_PREFIX_PATH:+:$AMENT_PREFIX_PATH}" ;;
  esac
fi
. "$_walkout_root/.venv/bin/activate"
. "$_walkout_root/install/local_setup.$_walkout_shell"
export FASTRTPS_DEFAULT_PROFILES_FILE="${FASTRTPS_DEFAULT_PROFILES_FILE:-$_walkout_root/config/fastdds.xml}"
export ROS_AUTOMATIC_DISCOVERY_RANGE="${ROS_AUTOMATIC_DISCOVERY_RANGE:-LOCALHOST}"
export RCUTILS_COLORIZED_OUTPUT="${RCUTILS_COLORIZED_OUTPUT:-0}"
unset _walkout_root _walkout_shell
