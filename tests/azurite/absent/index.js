// What is asked for while Azurite is loaded; nothing of it is called.
class Model {}
module.exports = { Model };
